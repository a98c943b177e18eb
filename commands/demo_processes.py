"""The demo's own programs: the trainer and the prediction consumers, as processes that end with the demo."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka_cluster import heartbeat
from kafka_cluster.clock import Clock
from kafka_cluster.embedded import process
from kafka_cluster.embedded.tail import last_lines
from kafka_cluster.errors import LabError

LOOK_EVERY_S = 0.1
STOP_TIMEOUT_S = 20.0
Beat = dict[str, Any]


@dataclass(frozen=True)
class Program:
    """One running program, its log, and the heartbeat that tells how far it is."""

    name: str
    process: process.Process
    log: Path
    heartbeat_file: Path

    def beat(self) -> Beat:
        """The last heartbeat; empty before the first."""
        try:
            return heartbeat.read(self.heartbeat_file)
        except LabError:
            return {}

    def stop(self) -> str:
        """Ask for a clean end; says how it ended."""
        return process.stop(self.process, STOP_TIMEOUT_S)


def start(module: str, name: str, var: Path, env: dict[str, str], *, leashed: bool) -> Program:
    """Start `python -m module`; its log and heartbeat are named after it, under `var`."""
    heartbeat_file = var / "run" / f"{name}.json"
    heartbeat_file.unlink(missing_ok=True)
    log = var / "logs" / f"{name}.log"
    log.unlink(missing_ok=True)
    whole_env = {**os.environ, **env, "HEARTBEAT_FILE": str(heartbeat_file)}
    started = process.spawn(name, [sys.executable, "-m", module], log, env=whole_env, leashed=leashed)
    return Program(name, started, log, heartbeat_file)


def wait_for(program: Program, reached: Callable[[Beat], bool], what: str, timeout_s: float, clock: Clock) -> Beat:
    """The first heartbeat of which `reached` is true. Raises LabError when the program ends before, or too late."""
    deadline = clock.monotonic() + timeout_s
    while True:
        alive = program.process.is_alive()  # asked before the heartbeat, which a program that ends writes last
        beat = program.beat()
        if beat and reached(beat):
            return beat
        if not alive:
            raise LabError(program.name, f"ended before {what}: {_last(program)}", f"its log is {program.log}")
        if clock.monotonic() > deadline:
            state = beat.get("state", "not started")
            reason = f"no {what} within {timeout_s:.0f} s, it is {state!r}: {_last(program)}"
            raise LabError(program.name, reason, f"its log is {program.log}")
        clock.sleep(LOOK_EVERY_S)


def _last(program: Program) -> str:
    lines = last_lines(program.log, 1)
    return lines[-1] if lines else "nothing in its log"
