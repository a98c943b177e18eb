"""The experiments of `lab experiment` that put questions to the detectors: no cluster, and tables for docs/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.experiments import kinds as anomaly_kinds
from benchmarks.experiments import tradeoff as tradeoffs
from benchmarks.experiments import tradeoff_plot
from benchmarks.experiments.protocol.folders import folders_table, seeds_table
from benchmarks.experiments.protocol.lost import lost_table
from benchmarks.experiments.protocol.opensearch import opensearch_table
from benchmarks.experiments.protocol.reference import reference_table
from benchmarks.experiments.protocol.series import series_table
from benchmarks.scorecard.corpus import read_corpus
from benchmarks.scorecard.report import write_between
from benchmarks.scorecard.run import Labelled
from detectors.catalogue import CATALOGUE, known
from kafka_cluster import log
from kafka_cluster.dataset import read_windows
from kafka_cluster.errors import LabError
from producer.files import write_whole

JUDGED = ("ensemble", "isolation-forest")
WITH_BASELINE = (*JUDGED, "blind")

Detectors = Annotated[
    list[str], typer.Option("--detector", default_factory=list, help="Which, several times for several [default: all].")
]
Seed = Annotated[int, typer.Option(min=0, help="Of the generated series.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")]
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


def kinds(
    detector: Detectors,
    series: Annotated[int, typer.Option(min=1, help="Of each kind.")] = anomaly_kinds.SERIES,
    seed: Seed = 0,
    page: Page = None,
    as_json: Json = False,
) -> None:
    """Which detector finds which kind of anomaly, on generated series whose truth is known."""
    log.configure(level="WARNING")
    told = anomaly_kinds.run(_names(detector), seed, series)
    tell(page, "kinds", anomaly_kinds.lines(told), quiet=as_json)
    if as_json:
        print(json.dumps(told))


def tradeoff(
    detector: Detectors,
    series: Annotated[int, typer.Option(min=1, help="Of each kind of anomaly.")] = tradeoffs.SERIES,
    seed: Seed = 0,
    plot: Annotated[Path, typer.Option(help="Where the picture goes (PNG).")] = Path("var/tradeoff.png"),
    page: Page = None,
    as_json: Json = False,
) -> None:
    """Contamination and thresholds: false alarms (type I) against misses (type II), with a picture."""
    log.configure(level="WARNING")
    told = tradeoffs.run(_names(detector), seed, series)
    write_whole(plot, tradeoff_plot.draw(told))
    tell(page, "tradeoff", tradeoffs.lines(told), quiet=as_json)
    typer.echo(f"wrote {plot}", err=True)
    if as_json:
        print(json.dumps(told))


def _names(given: list[str]) -> list[str]:
    for name in given:
        known(name)
    return given or list(CATALOGUE)


def tell(page: Path | None, name: str, lines: list[str], *, quiet: bool = False) -> None:
    """Print a table, and write it into the page between the marks of that name."""
    text = "\n".join(lines) + "\n"
    typer.echo(f"{name}\n\n{text}", err=quiet)
    if page is not None:
        mark = f"<!-- lab experiment, {name}:"
        write_between(page, text, f"{mark} begin -->", f"{mark} end -->")
