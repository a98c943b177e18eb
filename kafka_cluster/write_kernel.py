"""The encode kernel: columns to framed Avro bodies, end to end in one run of bytes, as fastavro writes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kafka_cluster.compiled import compiled
from kafka_cluster.plan import Op

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]

HEADER_SIZE = 5
OP, COLUMN, MASK, VALUE_BRANCH, NULL_BRANCH = range(5)  # columns of the table
_BOOLEAN, _INT, _LONG, _FLOAT, _DOUBLE = int(Op.BOOLEAN), int(Op.INT), int(Op.LONG), int(Op.FLOAT), int(Op.DOUBLE)
_MORE, _PAYLOAD = np.uint64(0x80), np.uint64(0x7F)


@compiled
def put_varint(out: Bytes, at: int, whole: int) -> int:
    """A zigzag integer of 1 to 10 bytes; returns where it ends."""
    rest = np.uint64((whole << 1) ^ (whole >> 63))
    while rest >= _MORE:
        out[at] = np.uint8((rest & _PAYLOAD) | _MORE)
        rest >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(rest)
    return at + 1


@compiled
def put_bits(out: Bytes, at: int, bits: np.uint64, size: int) -> int:
    """`size` bytes, the least significant first; returns where they end."""
    for k in range(size):
        out[at + k] = np.uint8((bits >> np.uint64(8 * k)) & np.uint64(0xFF))
    return at + size


@compiled
def encode(
    table: Int64s, schema_id: int, wholes: Int64s, reals: Float64s, missing: Bools, out: Bytes, offsets: Int64s
) -> None:
    """Fill `out` and `offsets`, shape (n + 1,).

    Row i of `table`, shape (fields, 5), writes field i: its operation, the row of `wholes`, shape (a, n), or `reals`,
    shape (b, n), that holds it, the row of `missing`, shape (c, n), and the branches of the value and of null; both
    are -1 where it is no union. `out` has room for the longest that each field can be.
    """
    at = 0
    for row in range(len(offsets) - 1):
        offsets[row] = at
        out[at] = 0
        for k in range(4):
            out[at + 1 + k] = (schema_id >> (24 - 8 * k)) & 0xFF
        at += HEADER_SIZE
        for field in range(len(table)):
            op, column = table[field, OP], table[field, COLUMN]
            if table[field, VALUE_BRANCH] >= 0:
                if missing[table[field, MASK], row]:
                    at = put_varint(out, at, table[field, NULL_BRANCH])
                    continue
                at = put_varint(out, at, table[field, VALUE_BRANCH])
            if op == _DOUBLE:
                at = put_bits(out, at, reals[column, row : row + 1].view(np.uint64)[0], 8)
            elif op == _FLOAT:
                single = np.float32(reals[column, row])
                at = put_bits(out, at, np.uint64(single.view(np.uint32)), 4)
            elif op == _BOOLEAN:
                out[at] = wholes[column, row]
                at += 1
            else:
                at = put_varint(out, at, wholes[column, row])
    offsets[len(offsets) - 1] = at
