"""The texts of keys, by slot: end to end in one run of bytes, without a Python object a key."""

from __future__ import annotations

from array import array

import numpy as np

from detectors.key_table import Int64s, KeyTable


class KeyNames:
    """Remembers what each key is called."""

    def __init__(self) -> None:
        self._table = KeyTable()
        self._joined, self._ends = bytearray(), array("q", [0])

    def __len__(self) -> int:
        return self._table.used

    def note(self, keys: Int64s) -> tuple[Int64s, Int64s]:
        """The slot of each of n keys, and the rows that are the first of a new key; its text must be added at once."""
        before = len(self)
        slots = self._table.slots(keys)
        if len(self) == before:
            return slots, np.empty(0, np.int64)
        new = np.flatnonzero(slots >= before)
        _, first = np.unique(slots[new], return_index=True)  # slots are given in the order in which keys are met
        return slots, new[first]

    def add(self, name: bytes) -> None:
        """The text of the next new key."""
        self._joined += name
        self._ends.append(len(self._joined))

    def of(self, slot: int) -> bytes:
        """The text of the key in a slot."""
        return bytes(self._joined[self._ends[slot] : self._ends[slot + 1]])

    def find(self, key: int) -> bytes:
        """The text of a key that was noted."""
        return self.of(int(self._table.slots(np.asarray([key], np.int64))[0]))
