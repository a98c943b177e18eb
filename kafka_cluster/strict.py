"""Tells whether a body is exactly one record of its schema, by the Avro specification and nothing more lenient.

fastavro takes booleans of 2, integers that overflow, enum symbols counted from the end, and more; a body is checked
here before fastavro reads it. What is valid:

- an int has at most 5 bytes and 32 bits, a long at most 10 bytes and 64 bits; within that, padding is allowed, as the
  specification does not ask for the shortest form;
- a boolean is 0 or 1; branches and symbols are ints inside their union or enum; lengths are longs, not negative, and
  inside the body; strings are UTF-8;
- a block with a negative count holds exactly the bytes it says.

Against hostile bytes two limits stand that the specification does not have: values nest at most MAX_DEPTH deep, and a
body has at most MAX_EMPTY_ITEMS more items in arrays and maps than bytes (items may be empty).
"""

from __future__ import annotations

from collections.abc import Callable

from kafka_cluster.avro import AvroType
from kafka_cluster.faults import Fault, Flaw

MAX_DEPTH = 64
MAX_EMPTY_ITEMS = 1_000
_WIDTHS = {"null": 0, "float": 4, "double": 8}


def check(writer: AvroType, body: bytes) -> Flaw | None:
    """The first thing wrong with the body of a record, or None."""
    walk = _Walk(body)
    step = 0
    try:
        for step, part in enumerate(writer.parts):  # noqa: B007 - the flaw tells the step that raised
            walk.value(part, 1)
    except _FlawedError as error:
        return Flaw(error.fault, step, error.position)
    return Flaw(Fault.TRAILING, 0, walk.at) if walk.at != len(body) else None


class _FlawedError(Exception):
    def __init__(self, fault: Fault, position: int) -> None:
        self.fault, self.position = fault, position
        super().__init__(fault, position)


class _Walk:
    """Steps over values. Every method raises _FlawedError with the place where the bad item begins."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.at = 0
        self._items_left = len(body) + MAX_EMPTY_ITEMS
        self._walks: dict[str, Callable[[AvroType, int], None]] = {
            "boolean": self._boolean,
            "int": lambda *_: self._discard(self._int()),
            "long": lambda *_: self._discard(self._long()),
            "string": lambda *_: self._string(),
            "bytes": lambda *_: self._discard(self._sized()),
            "fixed": lambda written, _: self._skip(written.size),
            "enum": lambda written, _: self._discard(self._index(len(written.symbols), Fault.SYMBOL)),
            "union": self._union,
            "record": self._record,
            "array": self._array,
            "map": self._array,
        }

    def value(self, written: AvroType, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _FlawedError(Fault.DEPTH, self.at)
        if written.kind in _WIDTHS:
            self._skip(_WIDTHS[written.kind])
        else:
            self._walks[written.kind](written, depth)

    @staticmethod
    def _discard(_value: object) -> None:
        """Take a value whose walk was all that counted."""

    def _skip(self, size: int) -> None:
        if len(self._body) - self.at < size:
            raise _FlawedError(Fault.TRUNCATED, self.at)
        self.at += size

    def _boolean(self, _written: AvroType, _depth: int) -> None:
        start = self.at
        self._skip(1)
        if self._body[start] > 1:
            raise _FlawedError(Fault.BOOLEAN, start)

    def _int(self) -> int:
        return self._varint(5, 32)

    def _long(self) -> int:
        return self._varint(10, 64)

    def _varint(self, limit: int, bits: int) -> int:
        raw = 0
        for k, byte in enumerate(self._body[self.at : self.at + limit]):
            raw |= (byte & 0x7F) << 7 * k
            if raw >> bits or (k == limit - 1 and byte & 0x80):
                raise _FlawedError(Fault.VARINT, self.at)
            if not byte & 0x80:
                self.at += k + 1
                return raw >> 1 ^ -(raw & 1)
        raise _FlawedError(Fault.TRUNCATED, self.at)

    def _index(self, count: int, fault: Fault) -> int:
        start = self.at
        index = self._int()
        if not 0 <= index < count:
            raise _FlawedError(fault, start)
        return index

    def _sized(self) -> bytes:
        start = self.at
        size = self._long()
        if not 0 <= size <= len(self._body) - self.at:
            raise _FlawedError(Fault.LENGTH, start)
        self.at += size
        return self._body[self.at - size : self.at]

    def _string(self) -> None:
        text = self._sized()
        try:
            text.decode()
        except UnicodeDecodeError:
            raise _FlawedError(Fault.TEXT, self.at - len(text)) from None

    def _union(self, written: AvroType, depth: int) -> None:
        self.value(written.parts[self._index(len(written.parts), Fault.BRANCH)], depth + 1)

    def _record(self, written: AvroType, depth: int) -> None:
        for part in written.parts:
            self.value(part, depth + 1)

    def _array(self, written: AvroType, depth: int) -> None:
        while self._block(written, depth):
            pass

    def _block(self, written: AvroType, depth: int) -> int:
        """Step over one block of items; how many there were, 0 at the end."""
        start = self.at
        count = self._long()
        size = self._long() if count < 0 else None
        if abs(count) > self._items_left:
            raise _FlawedError(Fault.BLOCK, start)
        self._items_left -= abs(count)
        items = self.at
        for _ in range(abs(count)):
            if written.kind == "map":
                self._string()
            self.value(written.parts[0], depth + 1)
        if size is not None and self.at - items != size:
            raise _FlawedError(Fault.BLOCK, start)
        return abs(count)
