"""`lab demo`: the whole story with one command."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from commands.demo_run import DemoPlan, run_demo
from commands.demo_summary import on_one_screen
from commands.lab_settings import LabSettings
from kafka_cluster import log
from kafka_cluster.clock import Stop

DEMO_FOLDER = "demo"  # under LAB_VAR: the demo never touches the cluster of `lab up`


def demo(
    data: Annotated[Path | None, typer.Option(help="Folder in NAB's layout, or with a dataset.json.")] = None,
    consumers: Annotated[int, typer.Option(min=1, max=16, help="Prediction consumers to start.")] = 2,
    live_s: Annotated[float, typer.Option("--live-seconds", min=1, help="How long the live part takes.")] = 8.0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the cluster and its live page up, and say how to look at it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object on the last line.")] = False,
) -> None:
    """Start a cluster, replay real metrics, train, score live with two consumers, show what was found, stop it all."""
    stop = _stop_on_signals()
    settings = LabSettings.read(lab_data=data)
    settings = settings.model_copy(update={"lab_var": settings.lab_var / DEMO_FOLDER})
    log.configure(level="WARNING")  # the steps speak for themselves; every program's own log is under var/
    plan = DemoPlan(consumers=consumers, live_s=live_s, keep=keep)
    try:
        summary = run_demo(settings, plan, stop)
    except BaseException:
        if not stop.requested:
            raise
        # Whatever the exception is now: one that a signal raises inside a client's callback comes out as another.
        print("\ninterrupted; everything that the demo had started is stopped", file=sys.stderr)
        raise typer.Exit(130) from None
    if as_json:
        print(json.dumps(asdict(summary)))
    else:
        print(on_one_screen(summary))
    if keep:
        print(_how_to_look(settings, summary.page), file=sys.stderr)


def _stop_on_signals() -> Stop:
    """Set, and KeyboardInterrupt raised, by the first of Ctrl-C, SIGTERM and SIGHUP; the clean-up is not disturbed."""
    stop = Stop()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if not stop.requested:
            stop.request()
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    return stop


def _how_to_look(settings: LabSettings, page: str | None) -> str:
    lab = f"LAB_VAR={settings.lab_var} ./lab"
    lines = {
        f"{lab} status": "what runs",
        f"{lab} tail anomalies": "what was found, and why",
        f"{lab} topics": "what each topic holds",
        f"{lab} predict": "one more prediction consumer",
        f"{lab} produce --loop --rate 20/s": "more records (they begin again at the first)",
        f"{lab} down": "stop it",
    }
    width = max(len(command) for command in lines)
    shown = "\n".join(f"  {command:<{width}}  {what}" for command, what in lines.items())
    return f"The cluster is still up, and so is the live page, {page}:\n{shown}"
