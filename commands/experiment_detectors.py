"""The experiments of `lab experiment` that put questions to the detectors: no cluster, and tables for docs/."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.experiment_folders import folders_table, seeds_table
from commands.experiment_lost import lost_table
from commands.experiment_opensearch import opensearch_table
from commands.experiment_reference import reference_table
from commands.experiment_series import series_table
from commands.scorecard_corpus import read_corpus
from commands.scorecard_report import write_between
from commands.scorecard_run import Labelled
from kafka_cluster import log
from kafka_cluster.dataset import read_windows
from kafka_cluster.errors import LabError

JUDGED = ("ensemble", "isolation-forest")
WITH_BASELINE = (*JUDGED, "blind")

Page = Annotated[Path | None, typer.Option("--write", help="A page whose tables are written anew between their marks.")]


def protocol(
    data: Annotated[Path, typer.Option(help="Folder with <folder>/<series>.csv.")],
    labels: Annotated[Path, typer.Option(help="Labelled windows: combined_windows.json.")],
    reference: Annotated[
        Path | None, typer.Option(help="Per-record scores of others: <detector>/<folder>/<series>.csv.gz.")
    ] = None,
    page: Page = None,
) -> None:
    """How far to trust the scorecard: folders left out, series cut, seeds, and OpenSearch's published row."""
    log.configure(level="WARNING")
    if not labels.is_file():
        raise LabError(str(labels), "no such file", "labels are a combined_windows.json, see data/README.md")
    series, windows = read_corpus(data), read_windows(labels)
    labelled = Labelled.of(series, windows)
    if reference is not None:
        tell(page, "reference", reference_table(reference, labelled))
    tell(page, "folders", folders_table(JUDGED, labelled))
    tell(page, "cuts", series_table(WITH_BASELINE, series, windows))
    tell(page, "seeds", seeds_table("isolation-forest", labelled))
    tell(page, "opensearch", opensearch_table("ensemble", series, windows))
    tell(page, "lost", lost_table("ensemble", labelled))


def tell(page: Path | None, name: str, lines: list[str]) -> None:
    """Print a table, and write it into the page between the marks of that name."""
    text = "\n".join(lines)
    print(f"{name}\n\n{text}\n", flush=True)
    if page is not None:
        mark = f"<!-- lab experiment, {name}:"
        write_between(page, text, f"{mark} begin -->", f"{mark} end -->")
