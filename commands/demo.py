"""`lab demo`: the whole story with one command."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from commands.demo_live import LiveDemo, LivePlan
from commands.demo_live_summary import LiveSummary
from commands.demo_run import DemoPlan, ReplayDemo
from commands.demo_stage import Stage
from commands.demo_summary import Summary
from commands.lab_settings import LabSettings
from kafka_cluster import log
from kafka_cluster.clock import Stop

Story = Callable[[Stage], Summary | LiveSummary]
DEMO_FOLDER = "demo"  # under LAB_VAR: the demo never touches the cluster of `lab up`


def demo(
    data: Annotated[Path | None, typer.Option(help="Folder in NAB's layout, or with a dataset.json.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Watch this machine instead of replaying data.")] = False,
    stress: Annotated[
        bool, typer.Option("--stress", help="With --live: ten seconds of work, announced and bounded, to be found.")
    ] = False,
    consumers: Annotated[
        int | None, typer.Option(min=1, max=16, help="Prediction consumers to start: 2; with --live 1.")
    ] = None,
    learn_s: Annotated[
        float, typer.Option("--learn-seconds", min=10, help="With --live: how long it learns what is usual.")
    ] = 35.0,
    live_s: Annotated[
        float | None, typer.Option("--live-seconds", min=1, help="How long the live part takes: 8; with --live 30.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the cluster and its live page up, and say how to look at it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object on the last line.")] = False,
) -> None:
    """Start a cluster, replay real metrics, train, score live with two consumers, show what was found, stop it all."""
    _check(live=live, stress=stress, data=data)
    stop = _stop_on_signals()
    settings = LabSettings.read(lab_data=data)
    settings = settings.model_copy(update={"lab_var": settings.lab_var / DEMO_FOLDER})
    log.configure(level="WARNING")  # the steps speak for themselves; every program's own log is under var/
    if live:
        story: Story = LiveDemo(LivePlan(consumers or 1, learn_s, live_s or 30.0, stress))
    else:
        story = ReplayDemo(DemoPlan(consumers or 2, live_s or 8.0), stop)
    try:
        summary = Stage(settings, stop, keep=keep).play(story)
    except BaseException:
        if not stop.requested:
            raise
        # Whatever the exception is now: one that a signal raises inside a client's callback comes out as another.
        print("\ninterrupted; everything that the demo had started is stopped", file=sys.stderr)
        raise typer.Exit(130) from None
    print(json.dumps(asdict(summary)) if as_json else summary.on_one_screen())
    if keep:
        print(_how_to_look(settings, summary.page, live=live), file=sys.stderr)


def _check(*, live: bool, stress: bool, data: Path | None) -> None:
    if stress and not live:
        raise typer.BadParameter(
            "is for --live: a replay is not disturbed by work on this machine", param_hint="--stress"
        )
    if live and data is not None:
        raise typer.BadParameter("is for the replay: with --live this machine is the data", param_hint="--data")


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


def _how_to_look(settings: LabSettings, page: str | None, *, live: bool) -> str:
    lab = f"LAB_VAR={settings.lab_var} ./lab"
    lines = {
        f"{lab} status": "what runs",
        f"{lab} tail anomalies": "what was found, and why",
        f"{lab} topics": "what each topic holds",
        f"{lab} predict": "one more prediction consumer",
        f"{lab} produce --loop --rate 20/s": "more records (they begin again at the first)",
        f"{lab} down": "stop it",
    }
    if live:  # its producer goes on by itself
        lines = {command: what for command, what in lines.items() if " produce " not in command}
    width = max(len(command) for command in lines)
    shown = "\n".join(f"  {command:<{width}}  {what}" for command, what in lines.items())
    what = ", producer and consumers are" if live else " is"
    return f"The cluster{what} still up, and so is the live page, {page}:\n{shown}"
