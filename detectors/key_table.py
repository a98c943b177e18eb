"""Keys to slots: an open-addressing hash table over 64-bit key ids, in arrays, without a Python object a key.

A table of 2^m cells holds key and slot side by side, so that a look-up costs one miss of the cache; a probe goes on to
the next cell. It is never more than half full. Ids are compared in full: two different ids never share a slot.

Keys that are text or bytes come in by `key_ids`, a 64-bit hash. Two of n different ones collide with probability
n² / 2^65: 3e-8 for a million, and their histories would then be one. Where that is too much, use whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled

Int64s = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

SMALLEST = 1_024  # slots
KEY, SLOT = 0, 1  # columns of a cell; its slot counts from 1, and 0 is an empty cell
_FNV_BASIS, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@compiled
def mix(bits: np.uint64) -> np.uint64:
    """Every bit of the result depends on every bit given; one to one (the finaliser of splitmix64, Stafford 2011)."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    return bits ^ (bits >> np.uint64(31))


@compiled
def _place(table: Int64s, key: int) -> int:
    """The cell that holds the key, or the empty one where it goes."""
    mask = len(table) - 1
    cell = np.int64(mix(np.uint64(key)) & np.uint64(mask))
    while table[cell, SLOT] != 0 and table[cell, KEY] != key:
        cell = (cell + 1) & mask
    return int(cell)


@compiled
def find_or_add(table: Int64s, known: Int64s, used: int, keys: Int64s, slots: Int64s, first: int) -> tuple[int, int]:
    """Fill `slots` from row `first` on; new keys get the next slot and stand in `known`.

    Returns how many slots are used, and the row at which there were no more of them, or n.
    """
    for row in range(first, len(keys)):
        cell = _place(table, keys[row])
        if table[cell, SLOT] == 0:
            if used == len(known):
                return used, row
            known[used] = keys[row]
            used += 1
            table[cell, KEY] = keys[row]
            table[cell, SLOT] = used
        slots[row] = table[cell, SLOT] - 1
    return used, len(keys)


@compiled
def find(table: Int64s, keys: Int64s, slots: Int64s) -> None:
    """Fill `slots` with each key's slot, or -1."""
    for row in range(len(keys)):
        slots[row] = table[_place(table, keys[row]), SLOT] - 1


@compiled
def hash_each(data: Bytes, offsets: Int64s, ids: Int64s) -> None:
    """FNV-1a of `data[offsets[r]:offsets[r + 1]]`, mixed; Fowler, Noll and Vo 1991."""
    for row in range(len(ids)):
        bits = _FNV_BASIS
        for at in range(offsets[row], offsets[row + 1]):
            bits = (bits ^ np.uint64(data[at])) * _FNV_PRIME
        ids[row] = np.int64(mix(bits))


def key_ids(keys: Sequence[bytes | None]) -> Int64s:
    """Shape (n,): a 64-bit id for each key, the same on every machine. No key counts as the empty one."""
    found = [key or b"" for key in keys]
    offsets = np.zeros(len(found) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, found), np.int64, len(found)), out=offsets[1:])
    ids = np.empty(len(found), np.int64)
    hash_each(np.frombuffer(b"".join(found) or b"\0", np.uint8), offsets, ids)
    return ids


class KeyTable:
    """Slots 0, 1, 2, … for keys in the order in which they were first met."""

    def __init__(self) -> None:
        self.used = 0
        self._known = np.empty(SMALLEST, np.int64)
        self._table = np.zeros((2 * SMALLEST, 2), np.int64)

    @property
    def capacity(self) -> int:
        """Slots there are before the next doubling."""
        return len(self._known)

    @property
    def nbytes(self) -> int:
        """What it occupies."""
        return self._known.nbytes + self._table.nbytes

    @property
    def keys(self) -> Int64s:
        """Shape (used,): the key of each slot."""
        return self._known[: self.used]

    def slots(self, keys: Int64s) -> Int64s:
        """Shape (n,): the slot of each key; new keys are added, and `capacity` may grow."""
        slots = np.empty(len(keys), np.int64)
        row = 0
        while True:
            self.used, row = find_or_add(self._table, self._known, self.used, keys, slots, row)
            if row == len(keys):
                return slots
            self._double()

    def find(self, keys: Int64s) -> Int64s:
        """Shape (n,): the slot of each key, -1 where it was never met."""
        slots = np.empty(len(keys), np.int64)
        find(self._table, keys, slots)
        return slots

    def _double(self) -> None:
        known = np.empty(2 * len(self._known), np.int64)
        self._table = np.zeros((2 * len(known), 2), np.int64)
        find_or_add(self._table, known, 0, self.keys, np.empty(self.used, np.int64), 0)
        self._known = known
