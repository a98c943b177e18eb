"""A batch of framed values as one run of bytes, grouped by schema id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kafka_cluster.kernel import HEADER_SIZE, Float64s, Int64s, schema_ids

NO_VALUE = -2  # in place of a schema id, as is kernel.NOT_FRAMED


@dataclass(frozen=True)
class Batch:
    """n values, end to end."""

    joined: bytes
    offsets: Int64s  # shape (n + 1,): value r is joined[offsets[r]:offsets[r + 1]]
    missing: list[int]  # the rows that have no value

    @classmethod
    def of(cls, values: Sequence[bytes | None]) -> Batch:
        """The batch of these values; None is a tombstone."""
        try:
            return cls._of(values, [])  # type: ignore[arg-type]  # a None among them raises, which is rare
        except TypeError:
            missing = [row for row, value in enumerate(values) if value is None]
            return cls._of([value or b"" for value in values], missing)

    @classmethod
    def _of(cls, values: Sequence[bytes], missing: list[int]) -> Batch:
        offsets = np.zeros(len(values) + 1, np.int64)
        np.cumsum(_lengths(values), out=offsets[1:])
        return cls(b"".join(values), offsets, missing)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def data(self) -> npt.NDArray[np.uint8]:
        """The joined bytes, for the kernel; never of length 0."""
        return np.frombuffer(self.joined or b"\x00", np.uint8)

    def body(self, row: int) -> bytes:
        """What follows the header of one value."""
        return self.joined[self.offsets[row] + HEADER_SIZE : self.offsets[row + 1]]

    def groups(self) -> Iterator[tuple[int, Int64s]]:
        """Each schema id (or NOT_FRAMED, or NO_VALUE) with its rows, ascending."""
        ids = np.empty(len(self), np.int64)
        same = schema_ids(self.data, self.offsets, ids)
        if self.missing:
            ids[self.missing] = NO_VALUE
        elif same:
            if len(ids):
                yield int(ids[0]), np.arange(len(ids), dtype=np.int64)
            return
        order = np.argsort(ids, kind="stable")
        found, first = np.unique(ids[order], return_index=True)
        yield from zip(found.tolist(), np.split(order, first[1:]), strict=True)


@dataclass(frozen=True)
class Decoded:
    """Where the rows of a batch go. A row whose fault is not 0 is void in the other arrays."""

    times_ms: Int64s  # shape (n,)
    values: Float64s  # shape (n, d)
    flaws: Int64s  # shape (n, 3): fault, step, position, as in faults.Flaw
    kept: list[list[Any]]  # one list of n for each kept field

    @classmethod
    def empty(cls, rows: int, metrics: int, kept: int) -> Decoded:
        """Room for so many rows."""
        lists: list[list[Any]] = [[None] * rows for _ in range(kept)]
        return cls(np.empty(rows, np.int64), np.empty((rows, metrics)), np.empty((rows, 3), np.int64), lists)


def _lengths(values: Sequence[bytes]) -> npt.NDArray[Any]:
    """Shape (n,). A bytearray takes lengths in twice as fast as anything else, if they are below 256."""
    try:
        return np.frombuffer(bytearray(map(len, values)), np.uint8) if values else np.zeros(0, np.uint8)
    except ValueError:
        return np.fromiter(map(len, values), np.int64, len(values))
