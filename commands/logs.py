"""`lab logs`: what the servers and programs of the lab wrote."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from commands.lab_settings import LabSettings
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.embedded.tail import Follower, last_lines
from kafka_cluster.errors import LabError

LOOK_EVERY_S = 0.2


def logs(
    server: Annotated[str | None, typer.Argument(help="zookeeper, broker, registry, …; all when not given.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 20,
) -> None:
    """Show the last lines of the logs, and with -f what comes after them until Ctrl-C."""
    paths = _paths(LabSettings.read().logs, server)
    followers = [Follower(path) for path in paths] if follow else []
    for path in paths:
        for line in last_lines(path, lines):
            _show(path, line, named=len(paths) > 1)
    stop = Stop().on_signals() if follow else Stop()
    while followers and not stop.requested:
        for follower in followers:
            for line in follower.new_lines():
                _show(follower.path, line, named=len(paths) > 1)
        sys.stdout.flush()
        SystemClock(stop).sleep(LOOK_EVERY_S)


def _show(path: Path, line: str, named: bool) -> None:
    print(f"{path.stem}: {line}" if named else line)


def _paths(folder: Path, server: str | None) -> list[Path]:
    there = sorted(folder.glob("*.log"))
    wanted = [path for path in there if server in {None, path.stem}]
    if not wanted:
        names = ", ".join(path.stem for path in there)
        raise LabError(
            server or "logs",
            f"no log in {folder}",
            f"there is {names}" if names else "`./lab up` starts the servers, which write them",
        )
    return wanted
