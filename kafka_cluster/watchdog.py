"""Calls of the client that may never return, and the end that this member then makes of itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka_cluster.clock import Clock, Stop
from kafka_cluster.errors import EXIT_FAILURE
from kafka_cluster.log import get_logger

LOOK_EVERY_S = 1.0
log = get_logger()


def end_at_once() -> None:
    """End the process without another step: the thread that could take one is held inside the client."""
    os._exit(EXIT_FAILURE)


class Watchdog:
    """Ends the process when a step of a transaction takes longer than it can.

    librdkafka 2.16 may leave a transactional call waiting for ever when the broker fences the producer while that call
    is under way, as it does after an outage longer than the transaction's time-out. Whoever restarts the process gets
    a member that works; a member that hangs holds its partitions back.
    """

    def __init__(self, limit_s: float, clock: Clock, end: Callable[[], None] = end_at_once) -> None:
        self._limit_s, self._clock, self._end = limit_s, clock, end
        self._deadline = float("inf")
        self._stop = Stop()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """A step that is to be over within the limit."""
        self._deadline = self._clock.monotonic() + self._limit_s
        try:
            yield
        finally:
            self._deadline = float("inf")

    def look(self) -> None:
        """End the process when the step is over its time."""
        if self._clock.monotonic() > self._deadline:
            log.error("a call of the client does not return: this member ends", limit_s=self._limit_s)
            self._end()

    def close(self) -> None:
        """Watch no more."""
        self._stop.request()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            self.look()
