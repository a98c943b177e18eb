"""`lab connections`: connections to some services, with a flood, a scan and a flash crowd whose truth is known."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from commands.connect import in_var, read_settings
from kafka_cluster.clock import Stop, SystemClock
from producer.connection_run import run
from producer.connection_settings import ConnectionSettings


def connections(
    services: Annotated[int | None, typer.Option(help="Services; the first four are attacked.")] = None,
    minutes: Annotated[int | None, typer.Option(help="How long, in event time.")] = None,
    per_minute: Annotated[int | None, typer.Option(help="Connections of a service in usual times.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same connections.")] = None,
    live: Annotated[bool, typer.Option("--live", help="At their own pace, from now on.")] = False,
    labels: Annotated[Path | None, typer.Option(help="File for what was put in, one JSON object a line.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Send connections with a flood, a scan, a crowd and a single busy source; see them by `lab traffic`."""
    settings = read_settings(
        ConnectionSettings,
        connection_services=services,
        connection_minutes=minutes,
        connection_per_minute=per_minute,
        connection_seed=seed,
        connection_live=live or None,
        connection_labels=labels or in_var("CONNECTION_LABELS", "connections", "labels.jsonl"),
    )
    stop = Stop().on_signals()
    sent = run(settings, SystemClock(stop), stop)
    if as_json:
        print(json.dumps(asdict(sent)))
