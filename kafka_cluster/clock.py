"""Time as an argument: the only module that sleeps, and the stop signal that cuts a sleep short."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Protocol


class Stop:
    """Set once by SIGTERM or SIGINT (or by a test); loops look at it between two steps of work."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def requested(self) -> bool:
        """True from the first request on."""
        return self._event.is_set()

    def request(self) -> None:
        """Ask for a clean stop."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`; True as soon as a stop is requested."""
        return self._event.wait(seconds)

    def on_signals(self) -> Stop:
        """Request the stop on SIGTERM and SIGINT. Main thread only; returns itself."""

        def handler(_signal: int, _frame: FrameType | None) -> None:
            self.request()

        signal.signal(signal.SIGTERM, handler)
        signal.signal(signal.SIGINT, handler)
        return self


class Clock(Protocol):
    """What code that cares about time is given."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`, or earlier when the program is asked to stop."""

    @property
    def stopping(self) -> bool:
        """True once the program is asked to stop: nothing is to be waited for any more."""


class SystemClock:
    """The machine's clock."""

    def __init__(self, stop: Stop | None = None) -> None:
        self._stop = stop or Stop()

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`, or at once when the stop is requested."""
        if seconds > 0:
            self._stop.wait(seconds)

    @property
    def stopping(self) -> bool:
        """True from the first request on."""
        return self._stop.requested


class ManualClock:
    """A clock that moves only when told to, or when somebody sleeps on it."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self.stopping = False

    def now(self) -> float:
        """Seconds since the epoch, as set."""
        return self._now

    def monotonic(self) -> float:
        """The same as `now`."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds` at once."""
        self._now += max(0.0, seconds)
