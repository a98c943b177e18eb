"""Points of any length of time in arrays that never grow: the newest half as they came, the past ever coarser.

Whenever the arrays are full, their older half is thinned to a quarter: of equal stretches of event time the lowest and
highest of each column stay. So the whole past is there at an even resolution, and no spike of it vanishes.
"""

from __future__ import annotations

import numpy as np

from dashboard.ring import Int64s, Points


class Fading:
    """At most `capacity` points. `total` counts all that ever came: a reader's place is what it was."""

    def __init__(self, capacity: int, metrics: int) -> None:
        self.total = 0
        self._capacity, self._stretches = capacity, max(1, capacity // 4 // (2 * (metrics + 1)))
        self._points = Points.none(metrics)
        self._faded = 0  # so many of the points, the oldest, have been thinned

    def append(self, points: Points) -> None:
        """Take points in; what is old fades."""
        half = self._capacity // 2
        for start in range(0, len(points.times_ms), half):  # so that the newest half is never thinned
            part = points.at(np.arange(start, min(start + half, len(points.times_ms)), dtype=np.int64))
            if len(self._points.times_ms) + len(part.times_ms) > self._capacity:
                self._fade(half - len(part.times_ms) // 2)
            self._points = _joined(self._points, part)
            self.total += len(part.times_ms)

    def since(self, place: int) -> Points:
        """What came after `place`, a former `total`; all that is left where some of that has faded."""
        count = len(self._points.times_ms)
        start = count - (self.total - place) if self.has_all_since(place) else 0
        return self._points.at(np.arange(start, count, dtype=np.int64))

    def has_all_since(self, place: int) -> bool:
        """True when nothing after `place` has faded."""
        return self.total - (len(self._points.times_ms) - self._faded) <= place <= self.total

    def _fade(self, keep: int) -> None:
        count = len(self._points.times_ms)
        old, new = np.arange(count - keep), np.arange(count - keep, count)
        kept = extremes(self._points.at(old), self._stretches)
        self._points, self._faded = self._points.at(np.concatenate((kept, new))), len(kept)


def extremes(points: Points, stretches: int) -> Int64s:
    """Rows of the lowest and highest of each column in each of so many equal stretches of event time, ascending."""
    first, last = points.times_ms.min(), points.times_ms.max()
    stretch = (points.times_ms - first) * stretches // max(1, last - first + 1)
    kept = []
    for column in (*points.values.T, np.nan_to_num(points.scores)):
        order = np.lexsort((column, stretch))
        ends = np.flatnonzero(np.diff(stretch[order])) + 1
        kept += [order[np.r_[0, ends]], order[np.r_[ends - 1, len(order) - 1]]]
    return np.unique(np.concatenate(kept))


def _joined(before: Points, after: Points) -> Points:
    return Points(*(np.concatenate(pair) for pair in zip(before, after, strict=True)))
