"""What can be wrong with an Avro body: one number for the kernel, one text for a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Fault(IntEnum):
    """Why a body is not exactly one record of its schema, or not one with a number in every column.

    Everything up to TRAILING is told before anything after it: a body that is broken and holds a NaN is broken.
    """

    NONE = 0
    TRUNCATED = 1
    VARINT = 2  # an int of more than 5 bytes or 32 bits, a long of more than 10 bytes or 64 bits
    BOOLEAN = 3
    BRANCH = 4
    SYMBOL = 5
    LENGTH = 6
    TEXT = 7
    BLOCK = 8
    DEPTH = 9
    TRAILING = 10
    NULL = 11
    NAN = 12
    INFINITE = 13


_TEXTS = {
    Fault.TRUNCATED: "the body ends early at byte {position}",
    Fault.VARINT: "the integer at byte {position} is longer than its type",
    Fault.BOOLEAN: "the boolean at byte {position} is neither 0 nor 1",
    Fault.BRANCH: "the union at byte {position} has no such branch",
    Fault.SYMBOL: "the enum at byte {position} has no such symbol",
    Fault.LENGTH: "the length at byte {position} is negative or goes past the end",
    Fault.TEXT: "the string at byte {position} is not UTF-8",
    Fault.BLOCK: "the block at byte {position} does not hold what it says",
    Fault.DEPTH: "the value at byte {position} is nested too deeply",
    Fault.NULL: "is null",
    Fault.NAN: "is NaN",
    Fault.INFINITE: "is infinite",
}


@dataclass(frozen=True)
class Flaw:
    """A fault and its place."""

    fault: Fault
    step: int  # which field of the record
    position: int  # byte of the body where the bad item begins, or where the record ends for TRAILING; else 0

    def text(self, names: tuple[str, ...], length: int) -> str:
        """One line for a person; `names` are the fields', `length` is the body's."""
        if self.fault is Fault.TRAILING:
            return f"{length - self.position} bytes after the record"
        return f"field {names[self.step]!r}: " + _TEXTS[self.fault].format(position=self.position)
