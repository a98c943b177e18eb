"""The detector that looks at nothing: an alarm every 0.65 warm-ups, whatever the values.

It is the baseline that a real detector has to beat by far: where labelled windows are long, alarms at regular intervals
hit many of them. State: one number a key. Cost: next to nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.deciding import Decision
from detectors.key_table import KeyTable

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
Snapshot = dict[str, npt.NDArray[Any]]

DETECTOR = "blind"
EVERY = 0.65  # warm-ups
DECISION = Decision(threshold=0.5, refractory=0.0)


class Blind:
    """A keyed detector that counts the records of each key."""

    def __init__(self, warm_up: int) -> None:
        """`warm_up` in records."""
        self._warm_up, self._every = warm_up, max(1, round(EVERY * warm_up))
        self._keys = KeyTable()
        self._seen = np.zeros(self._keys.capacity, np.int64)

    def score(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> Float64s:
        """Shape (n,): 1 at every so many records of a key after its warm-up, 0 elsewhere."""
        _ = times_ms, values
        slots = self._keys.slots(keys)
        if len(self._seen) < self._keys.capacity:
            self._seen = np.concatenate([self._seen, np.zeros(self._keys.capacity - len(self._seen), np.int64)])
        scores = np.zeros(len(slots))
        count_each(self._seen, slots, self._warm_up, self._every, scores)
        return scores

    def warm(self) -> None:
        """Compile or load the kernel."""
        Blind(self._warm_up).score(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1))

    def snapshot(self) -> Snapshot:
        """What the records so far left behind."""
        return {"keys": self._keys.keys.copy(), "seen": self._seen[: self._keys.used].copy()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there."""
        self._keys = KeyTable()
        self._keys.slots(snapshot["keys"])
        self._seen = np.zeros(self._keys.capacity, np.int64)
        self._seen[: self._keys.used] = snapshot["seen"]


@compiled
def count_each(seen: Int64s, slots: Int64s, warm_up: int, every: int, scores: Float64s) -> None:
    """Set the score of every record whose turn it is."""
    for row in range(len(slots)):
        since = seen[slots[row]] - warm_up
        if since >= 0 and since % every == 0:
            scores[row] = 1.0
        seen[slots[row]] += 1
