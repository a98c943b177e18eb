"""`lab data`: what public series there are, fetching them, and generating others."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from commands.lab_settings import LabSettings
from kafka_cluster.dataset import DATASET_FILE, Dataset, windows
from producer import kaggle
from producer.catalogue import DEFAULT_DATASET, Catalogue, load
from producer.data_settings import DataSettings
from producer.load import load as load_rows
from producer.prepare import write_generated

FETCH_TIMEOUT_S = 300.0  # asked for by a person, all series: patience; the demo's own attempt is a short one
WIDE = 140  # columns of the table where the output is no terminal

app = typer.Typer(help="List, fetch or generate data.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on the last line of standard output.")]


class _Settings(LabSettings, DataSettings):
    """Where the lab writes, and where data may come from."""


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the series of the catalogue, and which of them are in the cache."""
    cache = _Settings.read().lab_cache
    catalogue = load()
    cached = {entry.path for entry in catalogue.series if kaggle.cached(entry, cache)}
    if as_json:
        print(json.dumps(_listing(catalogue, cached, cache)))
        return
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(_table(catalogue, cached))
    print(f"{catalogue.origin.title}, {catalogue.origin.homepage}")
    print(f"Licence: {catalogue.origin.licence}.")
    print(f"In the cache {kaggle.cache_root(cache)}: {len(cached)} of {len(catalogue.series)}.")


@app.command()
def fetch(
    timeout_s: Annotated[float, typer.Option(min=1, help="For the whole attempt, in seconds.")] = FETCH_TIMEOUT_S,
) -> None:
    """Fetch every series of the catalogue from Kaggle into the cache, checked by hash. Needs no account."""
    cache = _Settings.read().lab_cache
    catalogue = load()
    paths = kaggle.fetch(catalogue, catalogue.series, cache, timeout_s=timeout_s)
    _say(f"{len(paths)} series are in {kaggle.cache_root(cache)}, each with the right sha256.")
    _say("Kaggle gives no labels: put labels/combined_windows.json of a NAB checkout there to have them.")


@app.command()
def generate(
    out: Annotated[Path | None, typer.Option(help="Folder to write to [default: var/data/generated].")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same files.")] = None,
    days: Annotated[int | None, typer.Option(help="How many days, at least 3.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write CPU, network and disk series with labelled anomalies, in NAB's layout."""
    settings = _Settings.read(generator_seed=seed, generator_days=days)
    folder = out or settings.lab_var / "data" / "generated"
    dataset = write_generated(folder, settings.generator_seed, settings.generator_days)
    rows = len(load_rows(dataset).times_ms)
    labelled = {name: len(its) for name, its in windows(dataset).items()}
    if as_json:
        print(json.dumps({"out": str(folder), "rows": rows, "windows": labelled, **_described(dataset)}))
        return
    counted = ", ".join(f"{count} in {name}" for name, count in labelled.items())
    _say(f"{rows} rows of {', '.join(labelled)} in {folder}; labelled windows: {counted}.")
    _say(f"Use them with --data {folder}")


def _table(catalogue: Catalogue, cached: set[str]) -> Table:
    table = Table(title="realAWSCloudwatch/", box=SIMPLE, title_justify="left")
    for heading in ("series", "metric", "unit", "records", "from", "to", "cached", "replayed as"):
        table.add_column(heading, justify="right" if heading == "records" else "left", overflow="fold")
    replayed_as = {entry.path: choice.name for choice, entry in catalogue.chosen(DEFAULT_DATASET)}
    for entry in catalogue.series:
        table.add_row(
            entry.path.rpartition("/")[2],
            entry.metric,
            entry.unit,
            f"{entry.records:,}",
            f"{entry.first:%Y-%m-%d %H:%M}",
            f"{entry.last:%Y-%m-%d %H:%M}",
            "yes" if entry.path in cached else "no",
            replayed_as.get(entry.path, ""),
        )
    return table


def _listing(catalogue: Catalogue, cached: set[str], cache: Path) -> dict[str, object]:
    return {
        "cache": str(kaggle.cache_root(cache)),
        "series": [
            {
                "series": entry.path,
                "metric": entry.metric,
                "unit": entry.unit,
                "records": entry.records,
                "first": entry.first.isoformat(),
                "last": entry.last.isoformat(),
                "cached": entry.path in cached,
            }
            for entry in catalogue.series
        ],
    }


def _described(dataset: Dataset) -> dict[str, object]:
    return {"dataset": str(dataset.root / DATASET_FILE), "why": dataset.why}


def _say(text: str) -> None:
    typer.echo(text, err=True)
