"""`lab history`: one history consumer in the foreground; start as many as there are partitions."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.connect import read_settings
from consumer_history.run import run
from consumer_history.settings import HistorySettings
from kafka_cluster.clock import Stop, SystemClock


def history(
    consumer_id: Annotated[
        str | None, typer.Option("--id", help="Name of this member; keep it over restarts, use it once at a time.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="memory, rows, chunks or baseline.")] = None,
    check_probability: Annotated[str | None, typer.Option(help="Share of the events to check: 1, 1/50, 0.")] = None,
    static: Annotated[bool, typer.Option("--static", help="Keep the partitions while this member restarts.")] = False,
) -> None:
    """Join the history group: store every event, check it against the last 50 of its key, publish anomalies."""
    settings = read_settings(
        HistorySettings,
        consumer_id=consumer_id,
        history_store=store,
        check_probability=check_probability,
        static_member=static or None,
    )
    stop = Stop().on_signals()
    run(settings, SystemClock(stop), stop)
