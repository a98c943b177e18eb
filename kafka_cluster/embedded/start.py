"""Start several servers at once, each as soon as it may, and wait until every one answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from kafka_cluster.clock import Clock, Stop
from kafka_cluster.embedded import process
from kafka_cluster.embedded.server import Server
from kafka_cluster.embedded.state import Entry, State
from kafka_cluster.embedded.tail import last_lines
from kafka_cluster.errors import LabError

READY_TIMEOUT_S = 120.0  # ten times what a slow machine takes
LOOK_EVERY_S = 0.1
TAIL_LINES = 200


class Starter:
    """One start of one or more servers; notes each in the state as soon as it has a pid."""

    def __init__(
        self, state: State, entries: dict[str, Entry], clock: Clock, stop: Stop, say: Callable[[str], None]
    ) -> None:
        self._state, self._entries = state, entries
        self._clock, self._stop, self._say = clock, stop, say

    def start(self, servers: Sequence[Server], leashed: bool) -> None:
        """Returns when all are ready. Raises LabError when one dies, or the time is up, or a stop is asked for."""
        began = self._clock.monotonic()
        waiting = list(servers)
        while waiting:
            waiting = [server for server in waiting if not self._step(server, leashed, began)]
            if self._stop.requested:
                raise LabError("cluster", "stopped on request while it was starting")
            if waiting and self._clock.monotonic() - began > READY_TIMEOUT_S:
                raise _failed(waiting[0], f"not ready after {READY_TIMEOUT_S:.0f} s")
            self._clock.sleep(LOOK_EVERY_S)

    def _step(self, server: Server, leashed: bool, began: float) -> bool:
        """Spawn it, or look whether it is ready; True when it is."""
        entry = self._entries.get(server.name)
        if entry is None:
            if server.may_start():
                self._spawn(server, leashed)
            return False
        if not entry.process.is_alive():
            raise _failed(server, "ended while it was starting")
        if not server.is_ready():
            return False
        server.settle()
        took_s = self._clock.monotonic() - began
        self._say(f"{server.name}: ready on {server.address} after {took_s:.1f} s (pid {entry.pid})")
        return True

    def _spawn(self, server: Server, leashed: bool) -> None:
        server.prepare()
        if server.log.exists():
            server.log.replace(server.log.with_suffix(".log.1"))  # the start before this one
        started = process.spawn(
            server.name,
            server.command(),
            server.log,
            env=server.environment(),
            leashed=leashed,
            cwd=server.home,
        )
        self._entries[server.name] = Entry(
            name=server.name,
            pid=started.pid,
            started=started.started,
            port=server.port,
            log=str(server.log),
            since=self._clock.now(),
            leashed_to=os.getpid() if leashed else None,
        )
        self._state.write(self._entries)


def _telling_lines(log: Path) -> list[str]:
    """The end of a log without blank lines and stack frames."""
    frames = ("at ", "... ")
    return [line for line in last_lines(log, TAIL_LINES) if line.strip() and not line.lstrip().startswith(frames)]


def _failed(server: Server, reason: str) -> LabError:
    tail = _telling_lines(server.log)
    errors = [line for line in tail if "ERROR" in line or "Exception" in line or "FATAL" in line]
    said = " | ".join((errors or tail)[-3:]) or "nothing"
    hint = server.way_out("\n".join(tail))
    return LabError(
        server.name, f"{reason}; its log says: {said}", f"{hint}; see {server.log}" if hint else f"see {server.log}"
    )
