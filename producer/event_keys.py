"""Kafka keys of events: numbers as digits.

They are written anew for each event, because to look up one of a million bytes objects costs more.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from kafka_cluster.compiled import compiled
from producer.walk_kernel import Bytes, Int64s

DECIMAL, HEXADECIMAL = 10, 16
LONGEST = 19  # digits of an int64
_ZERO, _A = 48, 97  # ASCII


@compiled
def write_digits(numbers: Int64s, base: int, out: Bytes, offsets: Int64s) -> None:
    """Fill `out` with the digits of numbers >= 0, end to end; those of number r are at offsets[r] to offsets[r + 1]."""
    at = 0
    for row in range(len(numbers)):
        offsets[row] = at
        rest, digits = numbers[row], 1
        while rest >= base:
            rest //= base
            digits += 1
        rest = numbers[row]
        for k in range(digits):
            digit = rest % base
            out[at + digits - 1 - k] = _ZERO + digit if digit < DECIMAL else _A + digit - DECIMAL
            rest //= base
        at += digits
    offsets[len(numbers)] = at


def digits(numbers: Int64s, base: int) -> list[bytes]:
    """For each number >= 0 its digits in base 10 or 16."""
    out, offsets = np.empty(len(numbers) * LONGEST, np.uint8), np.empty(len(numbers) + 1, np.int64)
    write_digits(numbers, base, out, offsets)
    edges = offsets.tolist()
    data = out[: edges[-1]].tobytes()
    return [data[a:b] for a, b in pairwise(edges)]
