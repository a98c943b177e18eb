"""Fewer points for drawing, none fewer that matter: what is extreme stays. Nothing is decided on what is left."""

from __future__ import annotations

import numpy as np

from dashboard.ring import Float64s, Int64s, Points


def thinned(points: Points, keep: int) -> Points:
    """About `keep` of the points, in their order: the lowest and highest of each column in each stretch, and the score.

    A point that is the extreme of the whole stays for certain.
    """
    count = len(points.times_ms)
    columns = [*points.values.T, points.scores]
    stretches = max(1, keep // (2 * len(columns)))
    if count <= keep:
        return points
    return points.at(_extremes(columns, count, stretches))


def _extremes(columns: list[Float64s], count: int, stretches: int) -> Int64s:
    starts = np.linspace(0, count, stretches + 1).astype(np.int64)
    kept: set[int] = set()
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        for column in columns:
            part = np.nan_to_num(column[start:end])
            kept.add(start + int(part.argmin()))
            kept.add(start + int(part.argmax()))
    return np.asarray(sorted(kept), dtype=np.int64)
