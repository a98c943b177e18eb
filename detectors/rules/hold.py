"""From a condition that holds or not to alarms: held for a time, ended with hysteresis, said once or again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.key_clock import ANEW, DROPPED, LATE, NEVER
from detectors.keyed_state import Column

Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]
Int8s = npt.NDArray[np.int8]

CALM, HOLDING, FIRING, ENDING = range(4)
PHASE, SINCE, ENDING_SINCE, SEEN, SAID = range(5)  # columns of a state: one phase, four times in ms
STATE = Column((5,), np.int64, NEVER)


@compiled
def hold_each(
    state: Int64s,
    slots: Int64s,
    times_ms: Int64s,
    codes: Int8s,
    begins: Bools,
    ends: Bools,
    for_ms: int,
    until_ms: int,
    gap_ms: int,
    repeat_ms: int,
    fired: Bools,
    since_ms: Int64s,
) -> None:
    """For n evaluations in order: set `fired` where an alarm is due, `since_ms` to when its condition began to hold.

    `begins` says where the condition holds, `ends` where that which ends it does. Late and dropped records are not
    evaluated. A silence above `gap_ms` (0: none) breaks what was held, and a time that goes back begins anew.
    """
    for row in range(len(slots)):
        code = codes[row]
        if code in (LATE, DROPPED):
            continue
        its, time = state[slots[row]], times_ms[row]
        if code == ANEW or its[SEEN] == NEVER or time < its[SEEN] or 0 < gap_ms < time - its[SEEN]:
            its[PHASE] = CALM
        its[SEEN] = time
        if its[PHASE] == CALM and begins[row]:
            its[PHASE], its[SINCE] = HOLDING, time
        elif its[PHASE] == HOLDING and not begins[row]:
            its[PHASE] = CALM
        elif its[PHASE] == FIRING and ends[row]:
            its[PHASE], its[ENDING_SINCE] = ENDING, time
        elif its[PHASE] == ENDING and not ends[row]:
            its[PHASE] = FIRING
        if its[PHASE] == ENDING and time - its[ENDING_SINCE] >= until_ms:
            its[PHASE] = CALM
        since_ms[row] = its[SINCE]
        due = its[PHASE] == HOLDING and time - its[SINCE] >= for_ms
        again = its[PHASE] == FIRING and 0 < repeat_ms <= time - its[SAID]
        if due or again:
            its[PHASE], its[SAID] = FIRING, time
            fired[row] = True
