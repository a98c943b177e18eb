"""State of many keys: named arrays with one row a key, preallocated, which grow together with the table of keys."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.errors import DetectorError
from detectors.key_table import Int64s, KeyTable

Array = npt.NDArray[Any]
Snapshot = dict[str, Array]


class Column(NamedTuple):
    """What one array holds for a key that was never met."""

    shape: tuple[int, ...] = ()
    dtype: type = np.float64
    fill: float = 0.0


class KeyedState:
    """`state[name]` has shape (capacity, *shape); the row of a key is its slot. Ask again after `slots`."""

    def __init__(self, **columns: Column) -> None:
        self._columns = columns
        self._table = KeyTable()
        self._arrays = {name: self._empty(column, self._table.capacity) for name, column in columns.items()}

    def __len__(self) -> int:
        return self._table.used

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    @property
    def keys(self) -> Int64s:
        """Shape (used,): the key of each slot."""
        return self._table.keys

    @property
    def nbytes(self) -> int:
        """What the keys met so far occupy."""
        rows = sum(array.nbytes // len(array) for array in self._arrays.values())
        return len(self) * rows + self._table.nbytes

    def slots(self, keys: Int64s) -> Int64s:
        """Shape (n,): the slot of each key; new keys get one, and the arrays may be others afterwards."""
        slots = self._table.slots(np.ascontiguousarray(keys, np.int64))
        for name, column in self._columns.items():
            old = self._arrays[name]
            if len(old) < self._table.capacity:
                self._arrays[name] = self._empty(column, self._table.capacity)
                self._arrays[name][: len(old)] = old
        return slots

    def find(self, keys: Int64s) -> Int64s:
        """Shape (n,): the slot of each key, -1 where it was never met."""
        return self._table.find(np.ascontiguousarray(keys, np.int64))

    def snapshot(self) -> Snapshot:
        """A copy of all of it, one row a key; `np.savez` takes it."""
        rows = {name: array[: len(self)].copy() for name, array in self._arrays.items()}
        return {"keys": self.keys.copy(), **rows}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there. Raises DetectorError for arrays that do not fit together, or are of other parameters."""
        table, keys = KeyTable(), np.asarray(snapshot["keys"], np.int64)
        table.slots(keys)
        fits = table.used == len(keys) and snapshot.keys() == {"keys", *self._columns}
        wanted = {name: (len(keys), *column.shape) for name, column in self._columns.items()}
        if not fits or any(snapshot[name].shape != shape for name, shape in wanted.items()):
            raise DetectorError("snapshot", "its arrays do not fit together, or to these parameters")
        self._table = table
        for name, column in self._columns.items():
            self._arrays[name] = self._empty(column, table.capacity)
            self._arrays[name][: len(keys)] = snapshot[name]

    @staticmethod
    def _empty(column: Column, rows: int) -> Array:
        if column.fill == 0:  # pages that nobody writes take up no memory
            return np.zeros((rows, *column.shape), column.dtype)
        return np.full((rows, *column.shape), column.fill, column.dtype)
