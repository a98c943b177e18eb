"""The last values of every key: one ring a key, contiguous in memory, in one preallocated array that doubles.

Values are kept as float64, 8 bytes each, so that a history rebuilt from a store that holds float64 is the same bit for
bit, and counters of nine digits keep all of them. With 50 values, a counter, and its share of the key table a key costs
about 0.46 kB: 0.48 GB for a million, where float32 would save 0.2 GB and lose digits.

Doubling copies into fresh memory, whose pages the system hands out only when they are written: what is resident is what
is used, and for a moment half of it again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.errors import DetectorError
from detectors.key_table import Int64s, KeyTable

Float64s = npt.NDArray[np.float64]
Snapshot = dict[str, npt.NDArray[np.float64] | npt.NDArray[np.int64]]
DEPTH = 50


@compiled
def push_each(rings: Float64s, seen: Int64s, slots: Int64s, values: Float64s) -> None:
    """Put each value into the ring of its slot, in order, in place of the oldest one."""
    depth = rings.shape[1]
    for row in range(len(slots)):
        slot = slots[row]
        rings[slot, seen[slot] % depth] = values[row]
        seen[slot] += 1


class LastValues:
    """The last `depth` values of each key, in the order in which they came.

    `rings` has shape (capacity, depth), `seen` shape (capacity,): value number i of a slot, from 0, stands in column
    i % depth while it is among the last `depth` of the `seen`.
    """

    def __init__(self, depth: int = DEPTH) -> None:
        if depth < 1:
            raise DetectorError("depth", f"must be at least 1, got {depth}")
        self.depth = depth
        self._table = KeyTable()
        self.rings = np.zeros((self._table.capacity, depth))
        self.seen = np.zeros(self._table.capacity, np.int64)

    def __len__(self) -> int:
        return self._table.used

    @property
    def nbytes(self) -> int:
        """What the keys met so far occupy."""
        each = self.rings.itemsize * self.depth + self.seen.itemsize
        return len(self) * each + self._table.nbytes

    def slots(self, keys: Int64s) -> Int64s:
        """Shape (n,): the row of `rings` of each key; new keys get one. `rings` and `seen` may be others afterwards."""
        slots = self._table.slots(keys)
        if self._table.capacity > len(self.seen):
            rings, seen = self.rings, self.seen
            self.rings = np.zeros((self._table.capacity, self.depth))
            self.seen = np.zeros(self._table.capacity, np.int64)
            self.rings[: len(rings)], self.seen[: len(seen)] = rings, seen
        return slots

    def push(self, keys: Int64s, values: Float64s) -> None:
        """Take note of n values, in order."""
        slots = self.slots(keys)
        push_each(self.rings, self.seen, slots, values)

    def of(self, key: int) -> Float64s:
        """The values of one key, oldest first; empty for one never met."""
        slot = int(self._table.find(np.asarray([key], np.int64))[0])
        if slot < 0:
            return np.empty(0)
        seen = int(self.seen[slot])
        columns = np.arange(max(0, seen - self.depth), seen) % self.depth
        found: Float64s = self.rings[slot, columns]
        return found

    def snapshot(self) -> Snapshot:
        """A copy of all of it, as arrays of one row a key; `np.savez` takes them."""
        used = len(self)
        return {
            "keys": self._table.keys.copy(),
            "seen": self.seen[:used].copy(),
            "rings": self.rings[:used].copy(),
        }

    @classmethod
    def restore(cls, snapshot: Snapshot) -> LastValues:
        """What `snapshot` was taken of. Raises DetectorError for arrays that do not fit together."""
        keys, seen, rings = snapshot["keys"], snapshot["seen"], snapshot["rings"]
        if rings.ndim != 2 or not len(keys) == len(seen) == len(rings):  # noqa: PLR2004 - rows and columns
            raise DetectorError("snapshot of last values", "its arrays do not fit together")
        made = cls(rings.shape[1])
        made.slots(np.asarray(keys, np.int64))
        if len(made) != len(keys):
            raise DetectorError("snapshot of last values", "a key is in it twice")
        made.rings[: len(keys)], made.seen[: len(keys)] = rings, seen
        return made
