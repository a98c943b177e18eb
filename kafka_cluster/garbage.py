"""Garbage collection between batches, not inside them.

A batch is tens of thousands of client messages that the cycle collector would walk through, again and again, each time
some hundred new lists are made: half of a member's time. None of them is part of a cycle; reference counts free them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from kafka_cluster.clock import Clock

COLLECT_EVERY_S = 30.0


class BetweenBatches:
    """Collects cycles when it is told that no batch is held, at most once in COLLECT_EVERY_S."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = clock.monotonic() + COLLECT_EVERY_S

    def collect(self) -> None:
        """No batch is held now."""
        if self._clock.monotonic() >= self._next:
            gc.collect()
            self._next = self._clock.monotonic() + COLLECT_EVERY_S


@contextmanager
def collected_between_batches(clock: Clock) -> Iterator[BetweenBatches]:
    """Inside, cycles are collected only when the loop says so."""
    gc.collect()
    gc.freeze()  # what is there now stays: modules, settings, the model
    gc.disable()
    try:
        yield BetweenBatches(clock)
    finally:
        gc.enable()
        gc.unfreeze()
