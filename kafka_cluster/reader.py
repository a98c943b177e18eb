"""Schema resolution: what a reader asks for, and which fields of a writer answer it (Avro specification, 1.12).

The reader is a record of numbers and one time. It comes as a schema, or, without one, as names: any number will do
for a metric (a boolean too: 0 or 1), any int, long or instant for the timestamp; a field asked for by name may have
other names and a default (evolution.Evolution). Of a reader's schema only the fields asked for count, and they resolve
as if the reader had no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kafka_cluster.avro import AvroType, parse
from kafka_cluster.schemas import TIMESTAMP, AvroSchema

TIME = -2  # in place of a column: the array of times
NO_DEFAULT: Any = object()
ANY_NUMBER, ANY_TEXT = "number", "text, bytes or symbol"
_READABLE_FROM = {
    ANY_NUMBER: {"boolean", "int", "long", "float", "double"},
    ANY_TEXT: {"string", "bytes", "fixed", "enum"},
    "boolean": {"boolean"},
    "int": {"int"},
    "long": {"int", "long"},
    "float": {"int", "long", "float"},
    "double": {"int", "long", "float", "double"},
}
_LOGICAL = {
    "int": {"date", "time-millis"},
    "long": {"time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos"}
    | {"local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos"},
}
_PER_MS = {"": 1, "timestamp-millis": 1, "timestamp-micros": 1_000, "timestamp-nanos": 1_000_000}


class UnfitError(ValueError):
    """A writer schema that does not have what the reader needs."""


@dataclass(frozen=True)
class Target:
    """One field that the reader needs."""

    name: str
    kind: str  # key of _READABLE_FROM
    column: int  # of the metrics or of the kept fields, or TIME
    default: Any = NO_DEFAULT  # None, or what stands in the column: float, int milliseconds, str or bytes

    @property
    def kept(self) -> bool:
        """True for a field whose bytes are kept beside the numbers."""
        return self.kind == ANY_TEXT

    def scale(self, branch: AvroType) -> int:
        """For a time, its units in a millisecond; for a metric, 1 if it is to be rounded to a float. Raises UnfitError.

        A logical type that Avro does not know, or not on that type, counts as none.
        """
        logical = branch.logical if branch.logical in _LOGICAL.get(branch.kind, ()) else ""
        readable = branch.kind in _READABLE_FROM[self.kind]
        if not readable or (logical and (self.column != TIME or logical not in _PER_MS)):
            raise UnfitError(f"has a field {self.name!r} that is no number for a {self.kind}")
        if self.column == TIME:
            return _PER_MS[logical]
        return int(self.kind == "float" and branch.kind in {"int", "long"})


class Reader:
    """What is asked for, by name or by schema. Raises ValueError for a schema that cannot be a reader here.

    `known` tells what was registered about fields asked for by name: for each a field with its aliases and default.
    """

    def __init__(
        self,
        metrics: Sequence[str],
        schema: AvroSchema | None = None,
        keep: Sequence[str] = (),
        known: Mapping[str, AvroSchema] | None = None,
    ) -> None:
        names = [*metrics, TIMESTAMP, *keep]
        if len(set(names)) < len(names):
            raise ValueError(f"a field is asked for twice: {', '.join(names)}")
        self._record = parse(schema)[0] if schema else None
        self._fields = {field["name"]: field for field in schema["fields"]} if schema else dict(known or {})
        columns = [*range(len(metrics)), TIME, *range(len(keep))]
        kinds = [ANY_NUMBER] * len(metrics) + ["long"] + [ANY_TEXT] * len(keep)
        self.targets = [self._target(*asked) for asked in zip(names, kinds, columns, strict=True)]

    def _target(self, name: str, kind: str, column: int) -> Target:
        if self._record is None:
            return Target(name, kind, column, _known_default(self._fields.get(name, {}), kind, column))
        if name not in self._fields:
            raise ValueError(f"the reader's schema has no field {name!r}")
        avro_type = self._record.parts[self._record.names.index(name)]
        some = [branch for branch in _branches(avro_type) if branch.kind != "null"]
        if len(some) != 1 or some[0].kind not in _READABLE_FROM[kind]:
            raise ValueError(f"the reader's field {name!r} is no {kind}, nor a {kind} or null")
        typed = Target(name, kind if kind == ANY_TEXT else some[0].kind, column)
        scale = typed.scale(some[0]) if column == TIME else 1
        return Target(name, typed.kind, column, _default(self._fields[name], some[0], column, scale))

    def bind(self, writer: AvroType) -> tuple[list[Target | None], list[Target]]:
        """For each field of the writer its target, if any; and the targets that take their default.

        Raises UnfitError.
        """
        self._must_be_the_record(writer)
        bound: list[Target | None] = [None] * len(writer.names)
        absent = []
        for target in self.targets:
            source = self._source(target.name, writer)
            if source is not None and bound[source] is None:
                _must_fit(target, writer.parts[source])
                bound[source] = target
            elif target.default is NO_DEFAULT:
                raise UnfitError(f"has no field {target.name!r}")
            else:
                absent.append(target)
        return bound, absent

    def _source(self, name: str, writer: AvroType) -> int | None:
        """The writer's field of that name, else of an alias that is not the name of another of the reader's fields."""
        aliases = self._fields.get(name, {}).get("aliases", ())
        for candidate in (name, *(alias for alias in aliases if alias not in self._fields)):
            if candidate in writer.names:
                return writer.names.index(candidate)
        return None

    def _must_be_the_record(self, writer: AvroType) -> None:
        if writer.kind != "record":
            raise UnfitError("is no record")
        if self._record is None:
            return
        known = {_unqualified(name) for name in (self._record.name, *self._record.aliases)}
        if _unqualified(writer.name) not in known:
            raise UnfitError(f"is the record {writer.name!r}, the reader's is {self._record.name!r}")


def _branches(avro_type: AvroType) -> list[AvroType]:
    return avro_type.parts if avro_type.kind == "union" else [avro_type]


def _unqualified(name: str) -> str:
    return name.rpartition(".")[2]


def _must_fit(target: Target, written: AvroType) -> None:
    scales = [target.scale(branch) for branch in _branches(written) if branch.kind != "null"]
    if not scales or (target.column == TIME and len(set(scales)) > 1):
        raise UnfitError(f"has a field {target.name!r} that is no number for a {target.kind}")


def _known_default(field: AvroSchema, kind: str, column: int) -> Any:
    """The default of a field that was asked for by name; NO_DEFAULT where it is nothing that could stand there."""
    if "default" not in field or field["default"] is None:
        return field.get("default", NO_DEFAULT)
    try:
        typed = [branch for branch in _branches(_field_type(field)) if branch.kind in _READABLE_FROM[kind]]
        return _default(field, typed[0], column, Target(field["name"], kind, column).scale(typed[0]))
    except (IndexError, ValueError, TypeError):
        return NO_DEFAULT


def _field_type(field: AvroSchema) -> AvroType:
    return parse({"type": "record", "name": "One", "fields": [{"name": "x", "type": field["type"]}]})[0].parts[0]


def _default(field: dict[str, Any], avro_type: AvroType, column: int, per_ms: int) -> Any:
    default = field.get("default", NO_DEFAULT)
    if default is None or default is NO_DEFAULT:
        return default
    if column == TIME:
        return int(default) // per_ms
    if avro_type.kind in _READABLE_FROM[ANY_TEXT]:  # the bytes in a schema are written as ISO 8859-1
        return default.encode("latin-1") if avro_type.kind in {"bytes", "fixed"} else str(default)
    return float(np.float32(default)) if avro_type.kind == "float" else float(default)
