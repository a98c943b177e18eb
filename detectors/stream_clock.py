"""The time of a whole stream (one partition): what its records say, but not what one broken clock among them says.

The stream's time is the newest timestamp of its records. A step far beyond the usual (6 times the mean step, and 1 s)
is believed after PATIENCE records in a row beyond it, whichever keys they are of; so is a way back as far. So one
record from the future moves nothing, and a stream that stood still, or whose clocks were all changed, is followed soon.
How far time leapt in such a step is told: for nobody in the stream that time has passed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.key_clock import NEVER, PATIENCE

Int64s = npt.NDArray[np.int64]

FAR = 6  # usual steps
LEAST_MS = 1_000
KNOWN = 5  # steps before the usual one is known
SHARE = 64  # the mean step forgets over so many
NOW, AHEAD, AHEAD_FROM, BACK, BACK_FROM, STEPS, MEAN_US = range(
    7
)  # of a stream; runs of records beyond, and their edge


def new_stream() -> Int64s:
    """The clock of a stream without a record."""
    stream = np.zeros(7, np.int64)
    stream[NOW] = NEVER
    return stream


@compiled
def advance(stream: Int64s, time_ms: int) -> int:
    """Take note of one record's time; returns how many ms time leapt, 0 for a usual step."""
    now = stream[NOW]
    if now == NEVER:
        stream[NOW] = time_ms
        return 0
    step = time_ms - now
    far = 2**62 if stream[STEPS] < KNOWN else max(LEAST_MS, FAR * stream[MEAN_US] // 1_000)
    if -far <= step <= far:
        stream[AHEAD] = stream[BACK] = 0
        if step > 0:
            stream[NOW] = time_ms
            stream[STEPS] += 1
            share = min(stream[STEPS], SHARE)
            stream[MEAN_US] += (step * 1_000 - stream[MEAN_US]) // share
        return 0
    if step > 0:
        return _beyond(stream, time_ms, AHEAD, AHEAD_FROM, BACK)
    return _beyond(stream, time_ms, BACK, BACK_FROM, AHEAD)


@compiled
def _beyond(stream: Int64s, time_ms: int, run: int, edge: int, other: int) -> int:
    """One more record far ahead, or far back: the last of so many in a row moves the time to the oldest of them."""
    stream[other] = 0
    stream[edge] = time_ms if stream[run] == 0 else min(stream[edge], time_ms)
    stream[run] += 1
    if stream[run] < PATIENCE:
        return 0
    leap = stream[edge] - stream[NOW]
    stream[NOW] += leap
    stream[run] = 0
    return int(leap)
