"""The heartbeat file: a program is healthy only while its poll loop turns, and says what it holds.

The loop writes the file; a container's health check, `lab status` and the demo read it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka_cluster.clock import Clock, SystemClock
from kafka_cluster.errors import LabError

if TYPE_CHECKING:  # a health check starts this file every few seconds: numpy would cost more than all the rest
    from kafka_cluster.meter import Meter

WRITE_EVERY_S = 1.0
HEARTBEAT_MAX_AGE_S = 30.0  # the longest pause that a healthy loop may take: a rebalance, a slow commit


class Heartbeat:
    """Writes the file at most once in `every_s`; a change of `state` is written at once."""

    def __init__(
        self,
        path: Path | None,
        clock: Clock,
        every_s: float = WRITE_EVERY_S,
        meter: Meter | None = None,
        **identity: Any,
    ) -> None:
        self._path, self._clock, self._every_s, self._identity = path, clock, every_s, identity
        self._meter = meter
        self._last = float("-inf")
        self._state = ""

    def beat(self, state: str, **fields: Any) -> None:
        """Say that the loop turns, in which state (`waiting for a model`, …), and how far it is."""
        now = self._clock.now()
        if self._meter is not None:
            self._meter.beat(now)
        if self._path is None or (state == self._state and now - self._last < self._every_s):
            return
        self._last, self._state = now, state
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_suffix(".tmp")
        aside.write_text(json.dumps({**self._identity, "at": now, "pid": os.getpid(), "state": state, **fields}))
        aside.replace(self._path)


def read(path: Path) -> dict[str, Any]:
    """The last heartbeat. Raises LabError where there is none."""
    try:
        loaded: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise LabError(str(path), f"no heartbeat ({error})", "is the program running?") from None
    return loaded


def check(path: Path, clock: Clock, max_age_s: float = HEARTBEAT_MAX_AGE_S) -> str:
    """One line on a healthy program; raises LabError when the last beat is older than `max_age_s`."""
    beat = read(path)
    age = clock.now() - float(beat["at"])
    if age > max_age_s:
        raise LabError(str(path), f"last heartbeat {age:.0f} s ago, in state {beat['state']!r}", "look at its log")
    return f"{beat['state']}, {age:.0f} s ago"


def main() -> int:
    """`python -m kafka_cluster.heartbeat [FILE]`: exit status 0 while the program's loop turns."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("HEARTBEAT_FILE", ""))
    try:
        sys.stdout.write(check(path, SystemClock()) + "\n")
    except LabError as error:
        sys.stderr.write(f"unhealthy: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
