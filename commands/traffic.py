"""`lab traffic`: one traffic consumer in the foreground; start as many as there are partitions."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.connect import read_settings
from consumer_traffic.run import run
from consumer_traffic.settings import TrafficSettings
from kafka_cluster.clock import Stop, SystemClock


def traffic(
    consumer_id: Annotated[
        str | None, typer.Option("--id", help="Name of this member; keep it over restarts, use it once at a time.")
    ] = None,
    static: Annotated[bool, typer.Option("--static", help="Keep the partitions while this member restarts.")] = False,
) -> None:
    """Join the traffic group: watch the connections of each service, publish floods, scans and surges."""
    settings = read_settings(TrafficSettings, consumer_id=consumer_id, static_member=static or None)
    stop = Stop().on_signals()
    run(settings, SystemClock(stop), stop)
