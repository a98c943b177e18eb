"""`lab produce`: replay the data set as Avro records."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from commands.connect import in_var, read_settings
from kafka_cluster.clock import Stop, SystemClock
from producer.data_settings import DataSettings
from producer.prepare import prepare
from producer.run import run
from producer.settings import ReplaySettings


def produce(
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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Replay the data set: as fast as the broker takes it, or at --rate or --speed."""
    settings = read_settings(
        ReplaySettings,
        dataset=in_var("DATASET", "data", "dataset.json"),
        replay_rate=rate,
        replay_speed=speed,
        replay_loop=loop or None,
        replay_from=from_,
        replay_to=to,
        replay_keys=keys,
        replay_resume=resume or None,
        replay_duplicates=duplicates,
        replay_sort=sort or None,
    )
    stop = Stop().on_signals()
    prepare(settings.dataset.parent, DataSettings.read(lab_data=data))
    replayed = run(settings, SystemClock(stop), stop)
    if as_json:
        print(json.dumps(asdict(replayed)))
