"""The CUSUM in plain Python, from the formulas alone: one key, lists, no rings."""

from __future__ import annotations

import math
from collections.abc import Sequence

FLAT = 1e-9


def chart(window: Sequence[float], reference: int, slack: float) -> tuple[float, float, float]:
    """Both sums after the last value, and the mean of the reference part; zeros and NaN where it is too short."""
    if len(window) <= reference:
        return 0.0, 0.0, math.nan
    first = window[0]
    mean = 0.0
    for value in window[:reference]:
        mean += value - first
    mean /= reference
    expected = first + mean
    squares = 0.0
    for value in window[:reference]:
        squares += (value - first - mean) * (value - first - mean)
    floor = FLAT * first * FLAT * first
    up = down = 0.0
    for i in range(reference, len(window)):
        v = i - 1
        e = (window[i] - first - mean) * math.sqrt(i / (i + 1))
        variance = squares * (1 / v)
        u = (8 * v + 1) / (8 * v + 3) * e / math.sqrt(variance + e * e * (1 / (2 * v))) if variance > floor else 0.0
        up, down = max(0.0, up + u - slack), max(0.0, down - u - slack)
        mean += (window[i] - first - mean) * (1 / (i + 1))
        squares += e * e
    return up, down, expected


def charts(
    keys: Sequence[int], values: Sequence[float], depth: int, reference: int, slack: float
) -> list[tuple[float, float, float]]:
    """The chart of each record, then the record joins its key's list."""
    history: dict[int, list[float]] = {}
    found = []
    for key, value in zip(keys, values, strict=True):
        of_key = history.setdefault(key, [])
        of_key.append(value)
        found.append(chart(of_key[-depth:], reference, slack))
    return found
