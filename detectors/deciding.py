"""From scores to alarms: a threshold, one alarm an episode, and a time in which only something stronger gets through.

Record t of a key, with score s, alarms when

    s ≥ threshold + boost · e^(-g / decay)   and   g > refractory   and   s was below rearm · threshold since

with g the records since the key's last alarm. An alarm comes early and is not repeated while the score stays high; soon
after one the next has to be stronger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.errors import DetectorError
from detectors.key_table import KeyTable

Bools = npt.NDArray[np.bool_]
Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
Snapshot = dict[str, npt.NDArray[Any]]

RECORDS, LAST, ARMED = range(3)  # columns of the state: records seen, number of the last alarm from 1 on, armed


@dataclass(frozen=True)
class Decision:
    """When a score is an alarm."""

    threshold: float  # of the score, above 0
    boost: float = 0.0  # what is added to it right after an alarm
    decay: float = 1.0  # warm-ups: by then the boost is 37 % of itself
    refractory: float = 0.2  # warm-ups without a second alarm
    rearm: float = 0.5  # share of the threshold that the score has to fall below in between; above 1 it need not


class Decider:
    """Decides for many keys; what it decides depends on the scores of the key up to the record alone."""

    def __init__(self, decision: Decision, warm_up: int) -> None:
        """`warm_up` in records, the unit of `refractory` and `decay`. Raises DetectorError for what cannot be."""
        if not decision.threshold > 0 or not decision.decay > 0 or warm_up < 1:
            reason = f"must be > 0, got {decision.threshold}, {decision.decay} and {warm_up}"
            raise DetectorError("threshold, decay and warm-up of a decision", reason)
        self._decision, self._warm_up = decision, warm_up
        self._keys = KeyTable()
        self._state = np.zeros((self._keys.capacity, 3), np.int64)

    def alarms(self, keys: Int64s, scores: Float64s) -> Bools:
        """Shape (n,): which records are alarms. Each key's records in order."""
        slots = self._keys.slots(np.ascontiguousarray(keys, np.int64))
        if len(self._state) < self._keys.capacity:
            room = np.zeros((self._keys.capacity, 3), np.int64)
            room[: len(self._state)] = self._state
            self._state = room
        alarms = np.zeros(len(slots), np.bool_)
        how = self._decision
        decide_each(
            self._state, slots, np.ascontiguousarray(scores, np.float64), how.threshold, how.boost,
            how.decay * self._warm_up, how.refractory * self._warm_up, how.rearm, alarms,
        )  # fmt: skip
        return alarms

    def warm(self) -> None:
        """Compile or load the kernel."""
        Decider(self._decision, self._warm_up).alarms(np.zeros(1, np.int64), np.zeros(1))

    def snapshot(self) -> Snapshot:
        """What the scores so far left behind."""
        return {"keys": self._keys.keys.copy(), "state": self._state[: self._keys.used].copy()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there. Raises DetectorError for arrays that do not fit together."""
        table = KeyTable()
        table.slots(np.asarray(snapshot["keys"], np.int64))
        if snapshot["state"].shape != (len(snapshot["keys"]), 3) or table.used != len(snapshot["keys"]):
            raise DetectorError("snapshot of a decision", "its arrays do not fit together")
        self._keys, self._state = table, np.zeros((table.capacity, 3), np.int64)
        self._state[: table.used] = snapshot["state"]


@compiled
def decide_each(
    state: Int64s,
    slots: Int64s,
    scores: Float64s,
    threshold: float,
    boost: float,
    decay: float,
    refractory: float,
    rearm: float,
    alarms: Bools,
) -> None:
    """For n records in order: set `alarms` where one is due; `decay` and `refractory` in records."""
    for row in range(len(slots)):
        its = state[slots[row]]
        score = scores[row]
        its[RECORDS] += 1
        first = its[LAST] == 0
        gap = its[RECORDS] - its[LAST]
        if score < rearm * threshold:
            its[ARMED] = 1
        due = score >= threshold
        if due and not first:
            due = its[ARMED] == 1 or rearm > 1.0
            due = due and gap > refractory and score >= threshold + boost * math.exp(-gap / decay)
        if due:
            alarms[row] = True
            its[LAST] = its[RECORDS]
            its[ARMED] = 0
