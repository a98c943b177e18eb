"""Partitions in which nothing comes: how far each was read, its time by the wall clock, and what that has told.

What the clock tells is published in a transaction with the group's offsets, which stay where they are. Only their
metadata says that the clock has spoken: as of which offset, and up to which time of the stream. Whoever takes the
partition over lets the clock speak again at that offset, in silence, and so repeats nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np

from detectors.key_table import Int64s
from detectors.live_clock import LiveClock
from kafka_cluster.consumed import ConsumedBatch

SAMPLE = 64  # records of a batch and partition whose times are compared
_TEXT = re.compile(r"tick (\d+) (-?\d+)")


class Tick(NamedTuple):
    """The clock has spoken for a partition."""

    offset: int  # of the next record then
    time_ms: int  # of the stream

    @property
    def text(self) -> str:
        """As the metadata of a committed offset."""
        return f"tick {self.offset} {self.time_ms}"

    @classmethod
    def of(cls, text: str | None) -> Self | None:
        """The other way round; None for metadata that say something else."""
        found = _TEXT.fullmatch(text or "")
        return cls(int(found[1]), int(found[2])) if found else None


@dataclass
class Hand:
    """What is known about a partition that is held."""

    next: int | None  # offset of the next record; None: not known before the first one
    judged_from: int = 0  # records before it are learned from, and nothing is said
    tick: Tick | None = None  # the last one, for as long as the stream's own time is not past it
    repeat: bool = False  # whether the panel has still to be told of it
    live: LiveClock = field(default_factory=LiveClock)

    @property
    def learns(self) -> bool:
        """Whether records from before the first one to be judged are still to come."""
        return self.next is not None and self.next < self.judged_from

    def note(self, batch: ConsumedBatch, rows: Int64s, times_ms: Int64s) -> None:
        """Compare the times of some of a batch's `rows`, which were read as `times_ms`."""
        for at in np.unique(np.linspace(0, len(rows) - 1, SAMPLE).astype(np.int64)).tolist():
            appended = batch.appended_ms(int(rows[at]))
            if appended is not None:
                self.live.note(appended, int(times_ms[at]))
