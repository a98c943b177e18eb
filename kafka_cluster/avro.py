"""A writer schema as a small tree: every name looked up, every logical type apart from what it annotates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import fastavro

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "string", "bytes"})
RECORDS = frozenset({"record", "error"})


class SchemaError(ValueError):
    """A schema that is not Avro's, or not one that is understood."""


@dataclass(eq=False)
class AvroType:
    """One type. A record that holds itself is a loop of these."""

    kind: str  # a primitive, or enum, fixed, array, map, union, record
    name: str = ""  # full name of a named type
    aliases: tuple[str, ...] = ()
    logical: str = ""
    symbols: tuple[str, ...] = ()  # of an enum
    size: int = 0  # bytes of a fixed
    names: list[str] = field(default_factory=list)  # of the fields of a record
    parts: list[AvroType] = field(default_factory=list)  # fields, branches, or the one type of items


def parse(schema: Any) -> tuple[AvroType, Any]:
    """The tree, and the same schema as fastavro wants it, without its logical types.

    Without, because a logical type does not change which bytes are valid, and what fastavro makes of it (a date
    past the year 9999, a UUID that is none) must not decide about the record. Raises SchemaError.
    """
    plain = _parsed_by_fastavro(_without_logical(schema))
    return _tree(_parsed_by_fastavro(schema), {}), plain


def _parsed_by_fastavro(schema: Any) -> Any:
    try:
        return fastavro.parse_schema(schema)
    except Exception as error:  # noqa: BLE001 - on a schema that is none, fastavro raises whatever it trips over
        raise SchemaError(f"is no Avro schema ({type(error).__name__}: {error})") from None


def _without_logical(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_logical(part) for part in schema]
    if isinstance(schema, dict):
        return {key: _without_logical(part) for key, part in schema.items() if key != "logicalType"}
    return schema


def _tree(schema: Any, named: dict[str, AvroType]) -> AvroType:
    if isinstance(schema, str):
        return AvroType(schema) if schema in PRIMITIVES else named[schema]
    if isinstance(schema, list):
        return AvroType("union", parts=[_tree(branch, named) for branch in schema])
    kind = schema["type"]
    if kind in ("array", "map"):
        return AvroType(kind, parts=[_tree(schema["items" if kind == "array" else "values"], named)])
    if kind in PRIMITIVES:
        return AvroType(kind, logical=schema.get("logicalType", ""))
    if kind not in RECORDS and kind not in ("enum", "fixed"):
        return _tree(kind, named)
    return _named(schema, named)


def _named(schema: Any, named: dict[str, AvroType]) -> AvroType:
    kind = "record" if schema["type"] in RECORDS else schema["type"]
    made = AvroType(kind, schema["name"], tuple(schema.get("aliases", ())), schema.get("logicalType", ""))
    named[made.name] = made  # before its fields, which may name it
    made.symbols = tuple(schema.get("symbols", ()))
    made.size = schema.get("size", 0)
    for part in schema.get("fields", ()):
        made.names.append(part["name"])
        made.parts.append(_tree(part["type"], named))
    return made
