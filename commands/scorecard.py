"""`lab scorecard`: every detector on labelled series, one fixed configuration for all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
import yaml

from benchmarks.scorecard.blindfold import blindfold
from benchmarks.scorecard.corpus import Series, read_corpus
from benchmarks.scorecard.gallery import told, typical
from benchmarks.scorecard.report import save as save_scores
from benchmarks.scorecard.report import tables, write_between
from benchmarks.scorecard.results import keep_results, read_results
from benchmarks.scorecard.run import SHORTEST, Labelled, Said, hold, stream
from detectors.catalogue import CATALOGUE, Options, known
from kafka_cluster import log
from kafka_cluster.dataset import read_windows
from kafka_cluster.errors import LabError
from producer.files import write_whole

EXAMPLE = "write `ensemble:` and, indented below it, `threshold: 0.2`"


def scorecard(
    data: Annotated[Path, typer.Option(help="Folder with <folder>/<series>.csv.")],
    labels: Annotated[Path, typer.Option(help="Labelled windows: combined_windows.json.")],
    detector: Annotated[
        list[str], typer.Option(default_factory=list, help="Which, several times for several [default: all].")
    ],
    config: Annotated[Path | None, typer.Option(help="Options of detectors, a YAML mapping for each.")] = None,
    warm_up: Annotated[
        int | None,
        typer.Option(min=SHORTEST, help="Records without a score [default: the benchmark's 15 %, at most 750]."),
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write per-record scores in the benchmark's layout to it.")] = None,
    plots: Annotated[
        Path | None, typer.Option(help="Write a picture of each series with every detector's alarms to it.")
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="Write a picture for each detector to it: the series of its median score.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="A file of results by detector: those in it are not run again, others added.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="A page whose tables are written anew between their marks.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Stream labelled series through the detectors and score them by the Numenta Anomaly Benchmark's rules."""
    log.configure(level="WARNING")
    options, before = read_options(config), read_results(results)
    for name in (*detector, *options):
        known(name)
    names = [name for name in detector or CATALOGUE if name not in before]
    if not labels.is_file():
        raise LabError(str(labels), "no such file", "labels are a combined_windows.json, see data/README.md")
    series = read_corpus(data)
    said = [spoken(name, options.get(name, {}), series, labels, warm_up) for name in names]
    windows = read_windows(labels)  # not before every detector is done
    if unknown := [each.key for each in series if each.key not in windows]:
        typer.echo(f"without labels, so without windows: {', '.join(unknown)}", err=True)
    labelled = Labelled.of(series, windows)
    if save is not None:
        for each in said:
            save_scores(each, labelled, save)
    draw_pictures(said, labelled, plots, gallery)
    held = keep_results(results, before | {each.name: hold(each, labelled) for each in said})
    text = tables(held)
    if write is not None:
        write_between(write, text)
    if as_json:
        typer.echo(text, err=True)
        print(json.dumps({"data": str(data), "series": len(series), "detectors": held}))
    else:
        print(text)


def spoken(name: str, options: Options, series: list[Series], labels: Path, warm_up: int | None) -> Said:
    """What a detector says, while the process can open neither the labels nor the series."""
    typer.echo(f"{name}: {sum(len(each.values) for each in series):,} records of {len(series)} series", err=True)
    with blindfold([labels, *(each.file for each in series)]):
        return stream(name, options, series, warm_up=warm_up)


def draw_pictures(said: list[Said], labelled: Labelled, plots: Path | None, gallery: Path | None) -> None:
    """Those that were asked for."""
    if plots is not None:
        draw_each(said, labelled, plots)
    if gallery is not None:
        draw_typical(said, labelled, gallery)


def draw_each(said: list[Said], labelled: Labelled, folder: Path) -> None:
    """Write `<folder>/<folder of the series>/<series>.png`."""
    from benchmarks.scorecard.plot import draw  # noqa: PLC0415 - slow to import, and only pictures need it

    for number, series in enumerate(labelled.series):
        write_whole(folder / series.folder / f"{series.name}.png", draw(said, labelled, number))


def draw_typical(said: list[Said], labelled: Labelled, folder: Path) -> None:
    """Write `<folder>/<detector>.png`, and say which series it is; gallery.py has the rule."""
    from benchmarks.scorecard.plot import draw  # noqa: PLC0415 - slow to import, and only pictures need it

    for each in said:
        if (its := typical(each, labelled)) is not None:
            write_whole(folder / f"{each.name}.png", draw([each], labelled, its.number))
            typer.echo(told(each, labelled, its), err=True)


def read_options(path: Path | None) -> Mapping[str, Options]:
    """The options of each detector. Raises LabError, naming the file and what is wrong with it."""
    if path is None:
        return {}
    try:
        loaded = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise LabError(str(path), f"cannot be read as YAML ({' '.join(str(error).split())})") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise LabError(str(path), "is no mapping of detectors to options", EXAMPLE)
    for name, table in loaded.items():
        if not isinstance(table, dict):
            raise LabError(str(path), f"{name} is no mapping of options", EXAMPLE)
        wrong = [key for key, value in table.items() if isinstance(value, bool) or not isinstance(value, (int, float))]
        if wrong:
            raise LabError(str(path), f"{name}.{wrong[0]} is no number")
    return loaded
