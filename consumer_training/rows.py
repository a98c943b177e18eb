"""Training records in columns: ordered by event time, bounded in memory, split in time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """n records in event-time order; ties are in the order of partition and offset."""

    times_ms: Int64s  # shape (n,)
    values: Float64s  # shape (n, m), in the metrics' units
    partitions: Int64s  # shape (n,)
    offsets: Int64s  # shape (n,)

    def __len__(self) -> int:
        return len(self.times_ms)

    def __getitem__(self, part: slice | Int64s) -> Rows:
        return Rows(self.times_ms[part], self.values[part], self.partitions[part], self.offsets[part])

    def in_order(self) -> Rows:
        """The same records, ordered."""
        return self[np.lexsort((self.offsets, self.partitions, self.times_ms))]


def concatenated(parts: list[Rows], metrics: int) -> Rows:
    """All of `parts`, one after another."""
    if not parts:
        return Rows(np.empty(0, np.int64), np.empty((0, metrics)), np.empty(0, np.int64), np.empty(0, np.int64))
    return Rows(
        np.concatenate([part.times_ms for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.partitions for part in parts]),
        np.concatenate([part.offsets for part in parts]),
    )


@dataclass
class Newest:
    """Collects records and keeps the newest `limit` by event time, in memory for twice as many at most."""

    metrics: int
    limit: int
    seen: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    _parts: list[Rows] = field(default_factory=list)
    _held: int = 0

    def add(self, rows: Rows) -> None:
        """Take in more records, in any order."""
        self._parts.append(rows)
        self.seen += len(rows)
        self._held += len(rows)
        if self._held > 2 * self.limit:
            self._parts = [self.rows()]
            self._held = len(self._parts[0])

    def rows(self) -> Rows:
        """The newest `limit` records, in event-time order."""
        return concatenated(self._parts, self.metrics).in_order()[-self.limit :]


class Split(NamedTuple):
    """The training part comes first in time; `next_offsets` tells where each partition's later records begin."""

    training: Rows
    test: Rows
    next_offsets: dict[int, int]


def split(rows: Rows, training_rows: int, read_to: dict[int, int]) -> Split:
    """The first `training_rows` of `rows` and the rest.

    `read_to` holds, for each partition, the offset after the last record that was read. A scorer that starts at
    `next_offsets` sees every record that is not in the training part; where records arrived out of order it may
    see a few of the training part again.
    """
    training, test = rows[:training_rows], rows[training_rows:]
    next_offsets = dict(read_to)
    for partition in np.unique(test.partitions):
        next_offsets[int(partition)] = int(test.offsets[test.partitions == partition].min())
    return Split(training, test, next_offsets)
