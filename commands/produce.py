"""`lab produce`: replay the data set as Avro records, or send what a live source has."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.connect import in_var, read_settings
from kafka_cluster.clock import Stop, SystemClock
from producer.data_settings import DataSettings
from producer.prepare import prepare
from producer.run import run
from producer.settings import ReplaySettings
from producer.sources.run import watch
from producer.sources.settings import SourceSettings

LIVE = "Live sources"


def produce(
    url: Annotated[
        str | None, typer.Argument(help="Of a live source: an exporter's page, a Prometheus server.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder in NAB's layout, or with a dataset.json.")] = None,
    rate: Annotated[str | None, typer.Option(help="Records a second, such as 50/s.")] = None,
    speed: Annotated[str | None, typer.Option(help="Event time over real time, such as 300x.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Start again at the end, until Ctrl-C.")] = False,
    from_: Annotated[str | None, typer.Option("--from", help="First instant, UTC: 2014-04-10T00:09.")] = None,
    to: Annotated[str | None, typer.Option(help="Instant before which the replay ends.")] = None,
    keys: Annotated[int | None, typer.Option(help="Spread the records over so many keys.")] = None,
    duplicates: Annotated[
        str | None, typer.Option(help="Of several samples at one instant, keep: first, last or mean.")
    ] = None,
    sort: Annotated[bool, typer.Option("--sort", help="Put samples in order of time first.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Leave out what the topic holds already.")] = False,
    source: Annotated[
        str | None,
        typer.Option(
            help="host: this machine; exporter: the page at URL; prometheus: the server at URL. Until Ctrl-C.",
            rich_help_panel=LIVE,
        ),
    ] = None,
    series: Annotated[
        Path | None, typer.Option(help="YAML: which series is which metric.", rich_help_panel=LIVE)
    ] = None,
    backfill: Annotated[
        float | None, typer.Option(help="Seconds of a server's past to send first.", rich_help_panel=LIVE)
    ] = None,
    every: Annotated[
        float | None, typer.Option(help="Seconds from one look to the next.", rich_help_panel=LIVE)
    ] = None,
    key: Annotated[str | None, typer.Option(help="Key of the records.", rich_help_panel=LIVE)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Replay the data set: as fast as the broker takes it, or at --rate or --speed. Or watch a live source."""
    replay = {
        "replay_rate": rate, "replay_speed": speed, "replay_loop": loop or None, "replay_from": from_,
        "replay_to": to, "replay_keys": keys, "replay_resume": resume or None, "replay_duplicates": duplicates,
        "replay_sort": sort or None,
    }  # fmt: skip
    live = {
        "source_url": url, "source_every_s": every, "source_key": key, "source_series": series,
        "source_backfill_s": backfill,
    }  # fmt: skip
    chosen = read_settings(SourceSettings, source=source, **live)
    stop = Stop().on_signals()
    if chosen.source == "dataset":
        _refuse(live, "a live source")
        done: Any = _replayed(data, replay, stop)
    else:
        _refuse({"data": data, **replay}, "the replay of a data set")
        done = watch(chosen, SystemClock(stop), stop)
    if as_json:
        print(json.dumps(asdict(done)))


def _replayed(data: Path | None, given: dict[str, Any], stop: Stop) -> Any:
    settings = read_settings(ReplaySettings, dataset=in_var("DATASET", "data", "dataset.json"), **given)
    prepare(settings.dataset.parent, DataSettings.read(lab_data=data))
    return run(settings, SystemClock(stop), stop)


def _refuse(options: dict[str, Any], what: str) -> None:
    """Options of the other way to produce are a mistake, not to be passed over."""
    for name, value in options.items():
        if value is not None:
            option = "--" + name.removeprefix("replay_").removeprefix("source_").removesuffix("_s")
            raise typer.BadParameter(f"is for {what}", param_hint=option)
