"""The hot loop of the CUSUM: ring to window, window to sums, value into the ring. The formulas are in cusum.py."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.prefetch import prefetch

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

AHEAD = 4  # records: the ring of a later one is on its way from memory while this one is judged
LINE = 8  # float64 in a cache line
FLAT = 1e-9  # share of the level up to which a spread is rounding
EQUAL, STEP, FREEDOM, NORMAL, HALF = range(5)  # columns of the tables


def tables(depth: int) -> Float64s:
    """Shape (depth, 5): for i values before, √(i/(i+1)), 1/(i+1), 1/v, (8v+1)/(8v+3) and 1/(2v), v = i - 1.

    Rows 0 and 1 are of no use.
    """
    i = np.maximum(np.arange(depth, dtype=np.float64), 2.0)
    v = i - 1
    return np.column_stack([np.sqrt(i / (i + 1)), 1 / (i + 1), 1 / v, (8 * v + 1) / (8 * v + 3), 1 / (2 * v)])


@compiled
def unroll(ring: Float64s, seen: int, value: float, window: Float64s) -> int:
    """The last values of a ring, oldest first, and the new one at the end; returns how many came before it."""
    depth = len(ring)
    before = min(seen, depth - 1)
    start = (seen - before) % depth
    head = min(before, depth - start)
    for at in range(head):
        window[at] = ring[start + at]
    for at in range(before - head):
        window[head + at] = ring[at]
    window[before] = value
    return before


@compiled
def chart(window: Float64s, n: int, reference: int, slack: float, table: Float64s) -> tuple[float, float, float]:
    """Both sums after the last of `n` values, and the mean of the reference part.

    All is taken relative to the first value, so that a flat series has squared deviations of exactly 0.
    """
    first = window[0]
    mean = 0.0
    for i in range(reference):
        mean += window[i] - first
    mean /= reference
    expected = first + mean
    squares = 0.0
    for i in range(reference):
        deviation = window[i] - first - mean
        squares += deviation * deviation
    floor = FLAT * first * FLAT * first
    up = down = 0.0
    for i in range(reference, n):
        deviation = window[i] - first - mean
        equal = deviation * table[i, EQUAL]
        variance = squares * table[i, FREEDOM]
        u = 0.0
        if variance > floor:
            u = table[i, NORMAL] * equal / np.sqrt(variance + equal * equal * table[i, HALF])
        higher, lower = up + u - slack, down - u - slack
        up = higher if higher > 0.0 else 0.0  # noqa: FURB136 - max() would keep a NaN, this drops it
        down = lower if lower > 0.0 else 0.0  # noqa: FURB136 - as above
        mean += deviation * table[i, STEP]
        squares += equal * equal
    return up, down, expected


@compiled
def chart_each(
    rings: Float64s,
    seen: Int64s,
    slots: Int64s,
    values: Float64s,
    checked: Bools,
    reference: int,
    slack: float,
    table: Float64s,
    out: Float64s,
) -> None:
    """For n records in order: fill `out`, shape (n, 3), with up, down and expected, then note the value.

    `rings` and `seen` are those of LastValues. Nothing is checked here.
    """
    depth = rings.shape[1]
    window = np.empty(depth)
    flat = rings.reshape(-1)
    for row in range(len(slots)):
        later = slots[min(row + AHEAD, len(slots) - 1)]
        prefetch(seen, later)
        for at in range(later * depth, (later + 1) * depth, LINE):
            prefetch(flat, at)
        slot = slots[row]
        count = seen[slot]
        out[row, 0] = out[row, 1] = 0.0
        out[row, 2] = np.nan
        if checked[row]:
            before = unroll(rings[slot], count, values[row], window)
            if before >= reference:
                out[row, 0], out[row, 1], out[row, 2] = chart(window, before + 1, reference, slack, table)
        rings[slot, count % depth] = values[row]
        seen[slot] = count + 1
