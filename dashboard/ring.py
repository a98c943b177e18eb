"""The newest points of a series, in arrays that never grow. A place in the stream is a number that only rises."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]


class Points(NamedTuple):
    """n points in the order in which they came."""

    times_ms: Int64s  # shape (n,), event time, ms since the epoch, UTC
    values: Float64s  # shape (n, d), in the metrics' units
    scores: Float64s  # shape (n,), in [0, 1]; NaN where no model has scored

    @classmethod
    def none(cls, metrics: int) -> Points:
        """No points."""
        return cls(np.empty(0, np.int64), np.empty((0, metrics)), np.empty(0))

    def at(self, rows: Int64s) -> Points:
        """Those of `rows`, in that order."""
        return Points(self.times_ms[rows], self.values[rows], self.scores[rows])


class Ring:
    """The last `capacity` points. `total` counts all that ever came: a reader's place is what it was."""

    def __init__(self, capacity: int, metrics: int) -> None:
        self.total = 0
        self._capacity = capacity
        self._times = np.empty(capacity, np.int64)
        self._values = np.empty((capacity, metrics), np.float32)
        self._scores = np.empty(capacity, np.float32)

    def append(self, points: Points) -> None:
        """Take points in, the oldest give way."""
        count = len(points.times_ms)
        new = slice(max(0, count - self._capacity), count)
        places = np.arange(self.total + new.start, self.total + count) % self._capacity
        self._times[places] = points.times_ms[new]
        self._values[places] = points.values[new]
        self._scores[places] = points.scores[new]
        self.total += count

    def since(self, place: int) -> Points:
        """What came after `place`, a former `total`; all that is left where more came than is kept."""
        places = np.arange(max(place, self.first, 0), self.total) % self._capacity
        values = self._values[places].astype(np.float64)
        return Points(self._times[places], values, self._scores[places].astype(np.float64))

    @property
    def first(self) -> int:
        """The place of the oldest point that is kept."""
        return max(0, self.total - self._capacity)

    def has_all_since(self, place: int) -> bool:
        """True when nothing after `place` has been lost."""
        return self.first <= place <= self.total
