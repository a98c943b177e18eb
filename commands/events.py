"""`lab events`: random walks of many keys, with labelled anomalies, as fast as the broker takes them or at a pace."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from commands.connect import in_var, read_settings
from kafka_cluster.clock import Stop, SystemClock
from producer.event_run import run
from producer.event_settings import EventSettings


def events(
    keys: Annotated[int | None, typer.Option(help="Different keys, 1 to 1,000,000.")] = None,
    rate: Annotated[str | None, typer.Option(help="Events a second, such as 50000/s.")] = None,
    seconds: Annotated[float | None, typer.Option(help="End after so long.")] = None,
    records: Annotated[int | None, typer.Option(help="End after so many.")] = None,
    zipf: Annotated[float | None, typer.Option(help="Exponent of the keys' shares; 0: all alike.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same values.")] = None,
    anomalies: Annotated[float | None, typer.Option(help="Chance of one in 200 events of a key.")] = None,
    positions: Annotated[bool, typer.Option("--positions", help="With latitude and longitude, keyed by cell.")] = False,
    resolution: Annotated[int | None, typer.Option(help="Of the H3 cells, 0 to 15.")] = None,
    outage: Annotated[float | None, typer.Option(help="With positions: one cell drops after so many seconds.")] = None,
    labels: Annotated[Path | None, typer.Option(help="File for the anomalies put in, one JSON object a line.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Send events until --seconds, --records or Ctrl-C ends it."""
    settings = read_settings(
        EventSettings,
        event_keys=keys,
        event_rate=rate,
        event_seconds=seconds,
        event_records=records,
        event_zipf=zipf,
        event_seed=seed,
        event_anomalies=anomalies,
        event_positions=positions or None,
        event_resolution=resolution,
        event_outage_s=outage,
        event_labels=labels or in_var("EVENT_LABELS", "events", "labels.jsonl"),
    )
    stop = Stop().on_signals()
    sent = run(settings, SystemClock(stop), stop)
    if as_json:
        print(json.dumps(asdict(sent)))
