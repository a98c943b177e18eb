"""From scores to alarms: a threshold, one alarm an episode, and a time in which only something stronger gets through.

Record t of a key alarms when

    s ≥ threshold + boost · e^(-g / decay)   and   g > refractory   and   s was below rearm · threshold since

with g the records since the key's last alarm, and s the mean of three means of the key's scores: over the last
`smooth`, over a quarter of it and over four times it. What is strange may be short and strong or long and faint, and
one record is seldom an event. An alarm comes early and is not repeated while the score stays high; soon after one the
next has to be stronger.
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
SPANS = (0.25, 1.0, 4.0)  # times `smooth`


@dataclass(frozen=True)
class Decision:
    """When a score is an alarm."""

    threshold: float  # of the score, above 0
    boost: float = 0.0  # what is added to it right after an alarm
    decay: float = 1.0  # warm-ups: by then the boost is 37 % of itself
    refractory: float = 0.2  # warm-ups without a second alarm
    rearm: float = 0.5  # share of the threshold that the score has to fall below in between; above 1 it need not
    smooth: float = 0.0  # warm-ups that scores are averaged over; 0 takes them as they are


class Decider:
    """Decides for many keys; what it decides depends on the scores of the key up to the record alone."""

    def __init__(self, decision: Decision, warm_up: int) -> None:
        """`warm_up` in records, the unit of `refractory` and `decay`. Raises DetectorError for what cannot be."""
        if not decision.threshold > 0 or not decision.decay > 0 or warm_up < 1:
            reason = f"must be > 0, got {decision.threshold}, {decision.decay} and {warm_up}"
            raise DetectorError("threshold, decay and warm-up of a decision", reason)
        if not 0 <= decision.smooth <= 1:
            raise DetectorError("smooth of a decision", f"must be from 0 to 1 warm-ups, got {decision.smooth}")
        self._decision, self._warm_up = decision, warm_up
        self._spans = np.array([max(1, int(decision.smooth * warm_up * share + 0.5)) for share in SPANS])
        self._keys = KeyTable()
        self._state, self._rings = self._room(self._keys.capacity)

    @property
    def threshold(self) -> float:
        """Where alarms begin."""
        return self._decision.threshold

    def alarms(self, keys: Int64s, scores: Float64s) -> Bools:
        """Shape (n,): which records are alarms. Each key's records in order."""
        return self.decide(keys, scores)[0]

    def decide(self, keys: Int64s, scores: Float64s) -> tuple[Bools, Float64s]:
        """Alarms, and scores in which an alarm has the highest of the last `smooth`; shape (n,) each."""
        slots = self._keys.slots(np.ascontiguousarray(keys, np.int64))
        if (have := len(self._state)) < self._keys.capacity:
            old = self._state, self._rings
            self._state, self._rings = self._room(self._keys.capacity)
            self._state[:have], self._rings[:have] = old
        alarms, strengths = np.zeros(len(slots), np.bool_), np.array(scores, np.float64)
        how = self._decision
        decide_each(
            self._state, self._rings, self._spans, slots, np.ascontiguousarray(scores, np.float64), how.threshold,
            how.boost, how.decay * self._warm_up, how.refractory * self._warm_up, how.rearm, alarms, strengths,
        )  # fmt: skip
        return alarms, strengths

    def warm(self) -> None:
        """Compile or load the kernel."""
        Decider(self._decision, self._warm_up).alarms(np.zeros(1, np.int64), np.zeros(1))

    def snapshot(self) -> Snapshot:
        """What the scores so far left behind."""
        used = self._keys.used
        return {"keys": self._keys.keys.copy(), "state": self._state[:used].copy(), "rings": self._rings[:used].copy()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there. Raises DetectorError for arrays that do not fit together."""
        table = KeyTable()
        table.slots(np.asarray(snapshot["keys"], np.int64))
        state, rings = self._room(table.capacity)
        for room, kept in ((state, snapshot["state"]), (rings, snapshot["rings"])):
            if kept.shape != (len(snapshot["keys"]), room.shape[1]) or table.used != len(snapshot["keys"]):
                raise DetectorError("snapshot of a decision", "its arrays do not fit", "keep the parameters it had")
            room[: table.used] = kept
        self._keys, self._state, self._rings = table, state, rings

    def _room(self, keys: int) -> tuple[Int64s, Float64s]:
        return np.zeros((keys, 3), np.int64), np.zeros((keys, self._spans[-1]))


@compiled
def sustained(ring: Float64s, spans: Int64s, at: int) -> float:
    """The mean of the means over each span of the ring's last values, the one numbered `at` included."""
    if len(ring) == 1:
        return float(ring[0])
    sums, done, total = 0.0, 0, 0.0
    for span in spans:
        for back in range(done, span):
            sums += ring[(at - back) % len(ring)]
        done = span
        total += sums / span
    return total / len(spans)


@compiled
def decide_each(
    state: Int64s,
    rings: Float64s,
    spans: Int64s,
    slots: Int64s,
    scores: Float64s,
    threshold: float,
    boost: float,
    decay: float,
    refractory: float,
    rearm: float,
    alarms: Bools,
    strengths: Float64s,
) -> None:
    """For n records in order: set `alarms` and `strengths` where one is due; `decay` and `refractory` in records."""
    for row in range(len(slots)):
        its = state[slots[row]]
        its[RECORDS] += 1
        ring = rings[slots[row]]
        ring[its[RECORDS] % len(ring)] = scores[row]
        score = sustained(ring, spans, its[RECORDS])
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
            for back in range(min(spans[1], len(ring))):
                strengths[row] = max(strengths[row], ring[(its[RECORDS] - back) % len(ring)])
            its[LAST] = its[RECORDS]
            its[ARMED] = 0
