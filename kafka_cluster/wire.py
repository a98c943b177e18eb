"""Avro's primitives on the wire, for the kernel: each takes the bytes from `at` to `stop` and says where it ended.

A position comes with a fault (0: none). Where there is one, the position is where the bad item begins.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kafka_cluster.compiled import compiled
from kafka_cluster.faults import Fault

Bytes = npt.NDArray[np.uint8]

# numba reads plain integers faster than it compiles enums
_TRUNCATED, _VARINT, _LENGTH = int(Fault.TRUNCATED), int(Fault.VARINT), int(Fault.LENGTH)
_MORE, _PAYLOAD = 0x80, 0x7F  # of a byte of a varint
_LEAD_2, _LEAD_3, _LEAD_4, _LEAD_LAST = 0xC2, 0xE0, 0xF0, 0xF4  # first bytes of UTF-8 sequences of that many bytes
_LEAD_SURROGATES = 0xED


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
def second_byte_fits(lead: int, byte: int) -> bool:
    """True if the byte after `lead` makes the shortest form of a character that is there: no surrogate, U+10FFFF."""
    if lead == _LEAD_3:
        return 0xA0 <= byte <= 0xBF  # noqa: PLR2004 - the bounds of RFC 3629, section 4
    if lead == _LEAD_SURROGATES:
        return 0x80 <= byte <= 0x9F  # noqa: PLR2004 - as above
    if lead == _LEAD_4:
        return 0x90 <= byte <= 0xBF  # noqa: PLR2004 - as above
    return 0x80 <= byte <= (0x8F if lead == _LEAD_LAST else 0xBF)  # noqa: PLR2004 - as above


@compiled
def is_utf8(data: Bytes, at: int, stop: int) -> bool:
    """True for well-formed UTF-8 (RFC 3629)."""
    while at < stop:
        lead = data[at]
        at += 1
        if lead < _MORE:
            continue
        if lead < _LEAD_2 or lead > _LEAD_LAST:
            return False
        more = 1 + (lead >= _LEAD_3) + (lead >= _LEAD_4)
        if at + more > stop or not second_byte_fits(lead, data[at]):
            return False
        for k in range(1, more):
            if data[at + k] & 0xC0 != _MORE:
                return False
        at += more
    return True
