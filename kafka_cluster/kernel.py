"""The decode kernel: the joined bytes of a batch to columns, by a plan, as strictly as `strict.check`.

The readers of single items take the bytes from `at` to `stop` and say where they ended. That position comes with a
fault (0: none); where there is one, the position is where the bad item begins. They stand in one file because the
cache of compiled code looks at the date of that file only, and would not see a change in another.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kafka_cluster.compiled import compiled
from kafka_cluster.faults import Fault
from kafka_cluster.plan import KEPT, Op
from kafka_cluster.reader import TIME
from kafka_cluster.utf8 import is_utf8

Bytes = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]

HEADER_SIZE = 5  # a zero byte and the schema id
NOT_FRAMED = -1
_FLOAT_SIZE, _DOUBLE_SIZE = 4, 8
_MORE, _PAYLOAD = 0x80, 0x7F  # of a byte of a varint

# numba reads plain integers faster than it compiles enums
_NULL, _BOOLEAN, _INT, _LONG, _FLOAT = int(Op.NULL), int(Op.BOOLEAN), int(Op.INT), int(Op.LONG), int(Op.FLOAT)
_DOUBLE, _ENUM, _STRING, _BYTES, _FIXED = int(Op.DOUBLE), int(Op.ENUM), int(Op.STRING), int(Op.BYTES), int(Op.FIXED)
_UNION = int(Op.UNION)
_TRUNCATED, _BAD_BOOLEAN, _BRANCH = int(Fault.TRUNCATED), int(Fault.BOOLEAN), int(Fault.BRANCH)
_VARINT, _LENGTH = int(Fault.VARINT), int(Fault.LENGTH)
_SYMBOL, _TEXT, _TRAILING = int(Fault.SYMBOL), int(Fault.TEXT), int(Fault.TRAILING)
_IS_NULL, _NAN, _INFINITE = int(Fault.NULL), int(Fault.NAN), int(Fault.INFINITE)


@compiled
def schema_ids(data: Bytes, offsets: Int64s, ids: Int64s) -> bool:
    """Fill `ids` with the schema id of each value, or NOT_FRAMED; True if they are all the same."""
    same = True
    for row in range(len(ids)):
        at = offsets[row]
        if offsets[row + 1] - at < HEADER_SIZE or data[at] != 0:
            ids[row] = NOT_FRAMED
        else:
            high = np.int64(data[at + 1]) << 24 | np.int64(data[at + 2]) << 16
            ids[row] = high | np.int64(data[at + 3]) << 8 | np.int64(data[at + 4])
        same &= ids[row] == ids[0]
    return same


@compiled
def varint(data: Bytes, at: int, stop: int, limit: int, last: int) -> tuple[int, int, int]:
    """A zigzag integer: value, position, fault. It has at most `limit` bytes, and that one is at most `last`."""
    raw = np.uint64(0)
    for k in range(limit):
        if at + k >= stop:
            return 0, at, _TRUNCATED
        byte = data[at + k]
        if k == limit - 1 and byte > last:
            return 0, at, _VARINT
        raw |= np.uint64(byte & _PAYLOAD) << np.uint64(7 * k)
        if byte < _MORE:
            return int(np.int64(raw >> np.uint64(1)) ^ -np.int64(raw & np.uint64(1))), at + k + 1, 0
    return 0, at, _VARINT


@compiled
def read_int(data: Bytes, at: int, stop: int) -> tuple[int, int, int]:
    """At most 32 bits in 5 bytes: value, position, fault."""
    return varint(data, at, stop, 5, 0x0F)


@compiled
def read_long(data: Bytes, at: int, stop: int) -> tuple[int, int, int]:
    """At most 64 bits in 10 bytes: value, position, fault."""
    return varint(data, at, stop, 10, 0x01)


@compiled
def read_index(data: Bytes, at: int, stop: int, count: int, outside: int) -> tuple[int, int, int]:
    """An int in [0, count): value, position, fault, which is `outside` when it is not."""
    index, end, fault = varint(data, at, stop, 5, 0x0F)
    if fault == 0 and not 0 <= index < count:
        return 0, at, outside
    return index, end, fault


@compiled
def read_sized(data: Bytes, at: int, stop: int) -> tuple[int, int, int]:
    """A length and that many bytes: where they begin, position, fault."""
    size, begin, fault = varint(data, at, stop, 10, 0x01)
    if fault == 0 and not 0 <= size <= stop - begin:
        return 0, at, _LENGTH
    return begin, begin + size, fault


@compiled
def little_endian(data: Bytes, at: int, size: int) -> np.uint64:
    """`size` bytes as an unsigned number, the least significant first."""
    bits = np.uint64(0)
    for k in range(size):
        bits |= np.uint64(data[at + k]) << np.uint64(8 * k)
    return bits


@compiled
def read_real(data: Bytes, at: int, stop: int, size: int) -> tuple[int, float, int, int]:
    """A float or a double: 0, value, position, fault."""
    if stop - at < size:
        return 0, 0.0, at, _TRUNCATED
    bits = little_endian(data, at, size)
    if size == _FLOAT_SIZE:
        return 0, float(np.uint32(bits).view(np.float32)), at + size, 0
    return 0, float(np.uint64(bits).view(np.float64)), at + size, 0


@compiled
def read_boolean(data: Bytes, at: int, stop: int) -> tuple[int, int, int]:
    """0 or 1, position, fault."""
    if at >= stop:
        return 0, at, _TRUNCATED
    if data[at] > 1:
        return 0, at, _BAD_BOOLEAN
    return int(data[at]), at + 1, 0


@compiled
def read_bytes(data: Bytes, at: int, stop: int, op: int, size: int) -> tuple[int, int, int]:
    """Bytes, a string, or a fixed of that size: where they begin, position, fault."""
    if op == _FIXED:
        return (at, at + size, 0) if stop - at >= size else (0, at, _TRUNCATED)
    begin, end, fault = read_sized(data, at, stop)
    if fault == 0 and op == _STRING and not is_utf8(data, begin, end):
        return 0, begin, _TEXT
    return begin, end, fault


@compiled
def read_whole(data: Bytes, at: int, stop: int, op: int, argument: int) -> tuple[int, int, int]:
    """Whatever is no float: its whole number (where it begins, for bytes), position, fault."""
    if op == _LONG:
        return read_long(data, at, stop)
    if op == _INT:
        return read_int(data, at, stop)
    if op == _BOOLEAN:
        return read_boolean(data, at, stop)
    if op == _ENUM:
        return read_index(data, at, stop, argument, _SYMBOL)
    if op in (_STRING, _BYTES, _FIXED):
        return read_bytes(data, at, stop, op, argument)
    return argument, at, 0  # a null or a default


@compiled
def read_item(data: Bytes, at: int, stop: int, op: int, argument: int) -> tuple[int, float, int, int]:
    """One item: its whole number (where it begins, for bytes), its number, position, fault."""
    if op == _FLOAT:
        return read_real(data, at, stop, _FLOAT_SIZE)
    if op == _DOUBLE:
        return read_real(data, at, stop, _DOUBLE_SIZE)
    whole, end, fault = read_whole(data, at, stop, op, argument)
    if op <= _LONG:
        return whole, float(whole), end, fault
    return whole, float(np.int64(whole).view(np.float64)), end, fault  # of use for a default only


@compiled
def read_branch(data: Bytes, at: int, stop: int, table: Int64s, step: int) -> tuple[int, int, int]:
    """The row of the table that a step comes down to, which a union looks up: row, position, fault."""
    if table[step, 0] != _UNION:
        return step, at, 0
    branch, end, fault = read_index(data, at, stop, table[step, 3], _BRANCH)
    return table[step, 1] + branch, end, fault


@compiled
def why_no_number(op: int, number: float) -> int:
    """The fault of a metric that is null or not finite, else 0."""
    if op == _NULL:
        return _IS_NULL
    if np.isfinite(number):
        return 0
    return _NAN if np.isnan(number) else _INFINITE


@compiled
def decode(  # noqa: C901 - writing the columns here, not in a function, makes it half as fast again
    data: Bytes,
    offsets: Int64s,
    rows: Int64s,
    table: Int64s,
    steps: int,
    times: Int64s,
    values: Float64s,
    kept: Int64s,
    flaws: Int64s,
) -> int:
    """Decode the values `rows` of a batch; returns how many of them are flawed.

    Value r is `data[offsets[r]:offsets[r + 1]]`, with its header. Row r of `times`, `values` (n, d), `kept` (n, k, 3:
    row of the table or -1 for null, begin or symbol, end) and `flaws` (n, 3: fault, step, position) is filled; where
    the fault is not 0 the others are void.
    """
    flawed = 0
    for row in rows:
        begin, stop = offsets[row] + HEADER_SIZE, offsets[row + 1]
        at, step, fault = begin, 0, 0
        lack, lack_step = 0, 0  # the first null, NaN or infinity: told only if the body has no fault
        for step in range(steps):
            line, at, fault = read_branch(data, at, stop, table, step)
            if fault != 0:
                break
            op, column, scale = table[line, 0], table[line, 2], table[line, 3]
            whole, number, at, fault = read_item(data, at, stop, op, table[line, 1])
            if fault != 0:
                break
            why = 0
            if column >= 0:
                values[row, column] = np.float64(np.float32(whole)) if scale else number
                why = why_no_number(op, number)
            elif column == TIME:
                times[row] = whole // scale if scale > 1 else whole
                why = _IS_NULL if op == _NULL else 0
            elif column <= KEPT:
                kept[row, KEPT - column, 0] = -1 if op == _NULL else line
                kept[row, KEPT - column, 1], kept[row, KEPT - column, 2] = whole, at
            if why != 0 and lack == 0:
                lack, lack_step = why, step
        if fault == 0 and at != stop:
            fault, step = _TRAILING, 0
        flaws[row, 0] = fault if fault != 0 else lack
        if flaws[row, 0] != 0:
            flaws[row, 1] = step if fault != 0 else lack_step
            flaws[row, 2] = at - begin if fault != 0 else 0
            flawed += 1
    return flawed
