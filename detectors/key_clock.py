"""Event time of each key: which records are in order, late, too late, and when the clock that stamps them was set back.

A key's time is the newest timestamp among its records. A record behind it is late; up to `lateness` it still counts
where it belongs, past that it is dropped. A clock that was put right runs on behind the old time: after `PATIENCE`
records of the key in a row that are too late, and ascend among themselves, time is taken to be theirs, and begins anew.
So one record from the future costs a key PATIENCE records, and not its voice until then. All of it depends on the key's
records alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.keyed_state import Column

Int64s = npt.NDArray[np.int64]
Int8s = npt.NDArray[np.int8]

IN_ORDER, LATE, DROPPED, ANEW = range(4)
PATIENCE = 10  # records
NEVER = -(2**62)  # ms; before every time
NEWEST, FIRST, BEHIND, LAST_BEHIND = range(4)  # columns of a clock
CLOCK = Column((4,), np.int64, NEVER)


@compiled
def read_clocks(clocks: Int64s, slots: Int64s, times_ms: Int64s, lateness_ms: int, codes: Int8s, ages: Int64s) -> None:
    """For n records in order: set `codes`, and in `ages` the ms from the key's first record to its newest so far."""
    for row in range(len(slots)):
        its, time = clocks[slots[row]], times_ms[row]
        if its[NEWEST] == NEVER:
            its[NEWEST] = its[FIRST] = time
            its[BEHIND] = 0
            codes[row] = IN_ORDER
        elif time >= its[NEWEST]:
            its[NEWEST] = time
            its[BEHIND] = 0
            codes[row] = IN_ORDER
        elif its[NEWEST] - time <= lateness_ms:
            codes[row] = LATE
        else:
            ascends = its[BEHIND] > 0 and time >= its[LAST_BEHIND]
            its[BEHIND] = its[BEHIND] + 1 if ascends else 1
            its[LAST_BEHIND] = time
            codes[row] = DROPPED
            if its[BEHIND] >= PATIENCE:
                its[NEWEST] = its[FIRST] = time
                its[BEHIND] = 0
                codes[row] = ANEW
        ages[row] = its[NEWEST] - its[FIRST]
