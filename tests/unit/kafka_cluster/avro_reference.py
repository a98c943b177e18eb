"""The strict reference: Avro's binary encoding read as its specification has it, from the schema as JSON.

Shares nothing with the code under test. An int is at most 5 bytes and 32 bits, a long at most 10 bytes and 64 bits;
everything else is as the specification says, with no leniency.
"""

from __future__ import annotations

import struct
from typing import Any


class InvalidError(ValueError):
    """Not the encoding of one value of the schema."""


def decode(schema: Any, body: bytes) -> Any:
    """The value that is all of `body`. Raises InvalidError."""
    value, rest = read(schema, body, names(schema))
    if rest:
        raise InvalidError("trailing")
    return value


def is_valid(schema: Any, body: bytes) -> bool:
    try:
        decode(schema, body)
    except InvalidError:
        return False
    return True


def names(schema: Any) -> dict[str, Any]:
    """Every named type in a schema."""
    if isinstance(schema, list):
        return {name: one for part in schema for name, one in names(part).items()}
    if not isinstance(schema, dict):
        return {}
    parts = [*(field["type"] for field in schema.get("fields", ())), schema.get("items"), schema.get("values")]
    return ({schema["name"]: schema} if "name" in schema else {}) | names(parts)


def take(data: bytes, size: int) -> tuple[bytes, bytes]:
    if size < 0 or size > len(data):
        raise InvalidError("size")
    return data[:size], data[size:]


def integer(data: bytes, bits: int) -> tuple[int, bytes]:
    groups = bytearray()
    while True:
        byte, data = take(data, 1)
        groups += byte
        if len(groups) > -(-bits // 7):
            raise InvalidError("too many bytes")
        if byte[0] < 128:
            break
    unsigned = sum((group % 128) * 128**k for k, group in enumerate(groups))
    if unsigned >= 2**bits:
        raise InvalidError("too many bits")
    return (unsigned // 2 if unsigned % 2 == 0 else -(unsigned + 1) // 2), data


def pick(options: list[Any], data: bytes) -> tuple[Any, bytes]:
    index, data = integer(data, 32)
    if index not in range(len(options)):
        raise InvalidError("index")
    return options[index], data


def read(schema: Any, data: bytes, named: dict[str, Any]) -> tuple[Any, bytes]:
    if isinstance(schema, list):
        branch, data = pick(schema, data)
        return read(branch, data, named)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind in named:
        return read(named[kind], data, named)
    if kind == "record":
        values = {}
        for field in schema["fields"]:
            values[field["name"]], data = read(field["type"], data, named)
        return values, data
    if kind in ("array", "map"):
        return blocks(schema, data, named)
    return simple(kind, schema, data)


def simple(kind: str, schema: Any, data: bytes) -> tuple[Any, bytes]:
    if kind == "null":
        return None, data
    if kind in ("int", "long"):
        return integer(data, 32 if kind == "int" else 64)
    if kind == "boolean":
        byte, data = take(data, 1)
        if byte not in (b"\0", b"\1"):
            raise InvalidError("boolean")
        return byte == b"\1", data
    if kind == "enum":
        return pick(schema["symbols"], data)
    size = {"float": 4, "double": 8}.get(kind)
    if size:
        number, data = take(data, size)
        return struct.unpack("<f" if size == 4 else "<d", number)[0], data
    size, data = (schema["size"], data) if kind == "fixed" else integer(data, 64)
    content, data = take(data, size)
    return (text(content) if kind == "string" else content), data


def text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidError("text") from None


def blocks(schema: Any, data: bytes, named: dict[str, Any]) -> tuple[Any, bytes]:
    items: list[Any] = []
    while True:
        count, data = integer(data, 64)
        if count == 0:
            return (dict(items) if schema["type"] == "map" else items), data
        size, data = integer(data, 64) if count < 0 else (None, data)
        before = len(data)
        if abs(count) > before + 1_000:  # more than the bytes can hold, even were some items empty
            raise InvalidError("count")
        for _ in range(abs(count)):
            key, data = simple("string", "string", data) if schema["type"] == "map" else (None, data)
            item, data = read(schema.get("items", schema.get("values")), data, named)
            items.append(item if schema["type"] == "array" else (key, item))
        if size is not None and before - len(data) != size:
            raise InvalidError("block size")
