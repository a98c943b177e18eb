"""Columns of events as few bytes, without loss.

Integers: one byte of width (0, 1, 2, 4 or 8), the smallest as an int64, then the distance of each from it in that
width. Offsets and times are stored as the distances between neighbours, packed so, after the first of them: the
offsets of a chunk without gaps take 17 bytes, whatever their number. Values: one byte of width, then float32 where
that is exact for every value of the chunk, else float64. All little-endian.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from consumer_history.store import Float64s, Int64s

WIDTHS = {0: "u1", 1: "u1", 2: "<u2", 4: "<u4", 8: "<u8"}
HEAD = struct.Struct("<Bq")
FIRST = struct.Struct("<q")


class ChunkError(ValueError):
    """Bytes that are no column of so many events."""


def pack_integers(column: Int64s) -> bytes:
    """An int64 column of any values, in as few bytes an element as its range needs."""
    if len(column) == 0:
        return HEAD.pack(0, 0)
    least, most = int(column.min()), int(column.max())
    width = next(width for width in WIDTHS if most - least < 1 << 8 * width)
    if width == 0:
        return HEAD.pack(0, least)
    distance = column.view(np.uint64) - np.uint64(least & (1 << 64) - 1)  # modulo 2**64: right for any two int64
    return HEAD.pack(width, least) + distance.astype(WIDTHS[width]).tobytes()


def unpack_integers(data: bytes, count: int) -> Int64s:
    """The column of `count` integers. Raises ChunkError."""
    width, least = _head(HEAD, data)
    _demand(width in WIDTHS and len(data) == HEAD.size + width * count, data, count)
    if width == 0:
        return np.full(count, least, np.int64)
    distance = np.frombuffer(data, WIDTHS[width], count, HEAD.size).astype(np.uint64)
    return (distance + np.uint64(least & (1 << 64) - 1)).view(np.int64)


def pack_steps(column: Int64s) -> bytes:
    """A column whose neighbours are close to each other."""
    if len(column) == 0:
        return FIRST.pack(0)
    steps = np.diff(column.view(np.uint64)).view(np.int64)  # modulo 2**64, undone by the sum
    return FIRST.pack(int(column[0])) + pack_integers(steps)


def unpack_steps(data: bytes, count: int) -> Int64s:
    """The column of `count` integers. Raises ChunkError."""
    if count == 0:
        return np.zeros(0, np.int64)
    (first,) = _head(FIRST, data)
    column = np.empty(count, np.uint64)
    column[0] = first & (1 << 64) - 1
    column[1:] = unpack_integers(data[FIRST.size :], count - 1).view(np.uint64)
    return np.cumsum(column, dtype=np.uint64).view(np.int64)


def pack_values(column: Float64s) -> bytes:
    """A float64 column, bit for bit."""
    with np.errstate(over="ignore", invalid="ignore"):
        single = column.astype("<f4")
        exact = np.array_equal(single.astype(np.float64).view(np.int64), column.view(np.int64))
    return b"\x04" + single.tobytes() if exact else b"\x08" + column.astype("<f8", copy=False).tobytes()


def unpack_values(data: bytes, count: int) -> Float64s:
    """The column of `count` values. Raises ChunkError."""
    width = data[0] if data else 0
    _demand(width in {4, 8} and len(data) == 1 + width * count, data, count)
    found: npt.NDArray[np.float32 | np.float64] = np.frombuffer(data, f"<f{width}", count, 1)
    return found.astype(np.float64)


def _head(layout: struct.Struct, data: bytes) -> tuple[int, ...]:
    if len(data) < layout.size:
        raise ChunkError(f"{len(data)} bytes, where a head of {layout.size} was expected")
    return layout.unpack_from(data)


def _demand(holds: bool, data: bytes, count: int) -> None:
    if not holds:
        raise ChunkError(f"{len(data)} bytes are no column of {count} events")
