"""Event-time windows of every key, in arrays: sliding ones made of panes, tumbling ones that close.

A sliding window of length w is made of PANES panes of w / PANES each (Li et al., "No pane, no gain", SIGMOD Record
2005): the one that a record falls into, and those before it. So it reaches back between 95 % of w and w, in memory that
does not depend on how many records come. Its value stands after every record in order, once the key has been seen for
the length of it. A late record joins the pane that it belongs to, and changes what later records find.

A tumbling window [i·w, (i+1)·w) closes when the key's time is past its end by the lateness; its value then stands for
good.
Windows without a record are passed over: absence has a rule of its own. So is the one in which a key is first seen.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.key_clock import ANEW, DROPPED, LATE, NEVER

Int64s = npt.NDArray[np.int64]
Int8s = npt.NDArray[np.int8]
Float64s = npt.NDArray[np.float64]

SUM, COUNT, MIN, MAX = range(4)  # of a pane, of a window


@compiled
def add(pane: Float64s, value: float) -> None:
    """One more value in a pane."""
    if pane[COUNT] == 0.0:
        pane[SUM], pane[COUNT], pane[MIN], pane[MAX] = value, 1.0, value, value
        return
    pane[SUM] += value
    pane[COUNT] += 1.0
    pane[MIN] = min(pane[MIN], value)
    pane[MAX] = max(pane[MAX], value)


@compiled
def slide_each(
    panes: Float64s,
    newest: Int64s,
    slots: Int64s,
    times_ms: Int64s,
    values: Float64s,
    codes: Int8s,
    ages_ms: Int64s,
    length_ms: int,
    out: Float64s,
) -> None:
    """For n records in order: fill `out`, shape (n, 4), with the window after each; NaN where it says nothing.

    `panes` has shape (k, PANES, 4), `newest`, shape (k,), is the number of the newest pane; `ages_ms` is how long the
    key has been seen.
    """
    count = panes.shape[1]
    for row in range(len(slots)):
        out[row] = np.nan
        code, its = codes[row], panes[slots[row]]
        if code == DROPPED:
            continue
        number = times_ms[row] * count // length_ms
        last = newest[slots[row]]
        if code == ANEW:
            last = NEVER
        if number > last:
            for pane in range(max(last + 1, number - count + 1), number + 1):
                its[pane % count] = 0.0
            newest[slots[row]] = last = number
        if number > last - count:
            add(its[number % count], values[row])
        if code == LATE or ages_ms[row] * count < length_ms * (count - 1):
            continue
        whole = out[row]
        whole[:] = 0.0
        for pane in range(last - count + 1, last + 1):  # the oldest first: sums are the same whenever they are made
            one = its[pane % count]
            if one[COUNT] > 0.0:
                whole[MIN] = one[MIN] if whole[COUNT] == 0.0 else min(whole[MIN], one[MIN])
                whole[MAX] = one[MAX] if whole[COUNT] == 0.0 else max(whole[MAX], one[MAX])
                whole[SUM] += one[SUM]
                whole[COUNT] += one[COUNT]


@compiled
def tumble_each(
    windows: Float64s,
    oldest: Int64s,
    slots: Int64s,
    times_ms: Int64s,
    values: Float64s,
    codes: Int8s,
    length_ms: int,
    lateness_ms: int,
    rows: Int64s,
    ends_ms: Int64s,
    out: Float64s,
) -> int:
    """For n records in order: write down each window that closes; returns how many did.

    `windows` has shape (k, open, metrics, 4), `oldest`, shape (k,), is the number of the oldest that is open,
    and `values` has shape (n, metrics). Window number c that closed is in rows[c] (the record that closed it),
    ends_ms[c] and out[c], shape (metrics, 4). A window closes before the record that closes it is counted.
    """
    room, metrics = windows.shape[1], windows.shape[2]
    closed = 0
    for row in range(len(slots)):
        slot, code, time = slots[row], codes[row], times_ms[row]
        if code == DROPPED:
            continue
        its, number = windows[slot], time // length_ms
        if oldest[slot] == NEVER or code == ANEW:
            its[:] = 0.0
            oldest[slot] = -((-time) // length_ms)  # the one that the key came into the middle of is left out
        if code != LATE:
            still_open = (time - lateness_ms) // length_ms
            for window in range(oldest[slot], min(still_open, oldest[slot] + room)):
                one = its[window % room]
                if one[0, COUNT] > 0.0:
                    rows[closed], ends_ms[closed] = row, (window + 1) * length_ms
                    out[closed] = one
                    closed += 1
                one[:] = 0.0
            oldest[slot] = max(oldest[slot], still_open)
        if number >= oldest[slot]:
            for metric in range(metrics):
                add(its[number % room, metric], values[row, metric])
    return closed
