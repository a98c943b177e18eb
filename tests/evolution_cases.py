"""How a schema may change, and how not: what the unit, contract and integration tests of evolution share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kafka_cluster.schemas import AvroSchema

METRICS = ("network", "disk", "cpu")


def field(name: str, avro_type: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": avro_type, **more}


def schema(*fields: dict[str, Any], name: str = "Metric") -> AvroSchema:
    return {"type": "record", "name": name, "namespace": "lab.metrics", "fields": list(fields)}


NETWORK, DISK = field("network", "int"), field("disk", "float")
CPU, TIME = field("cpu", "float"), field("timestamp", "long")
DEFAULTED_DISK = field("disk", "float", default=2.5)
HOST = field("host", "string", default="unknown")
OLD = schema(NETWORK, DISK, CPU, TIME)


class Change(NamedTuple):
    """Two versions of a schema, and which old name a new name stands for."""

    before: AvroSchema
    after: AvroSchema
    renamed: Mapping[str, str] = MappingProxyType({})
    default: Mapping[str, float] = MappingProxyType({})  # what stands for a metric that one of the two lacks


def promoted(before: str, after: str) -> Change:
    rest = (DISK, CPU, TIME)
    return Change(schema(field("network", before), *rest), schema(field("network", after), *rest))


COMPATIBLE = {
    "metric added with a default": Change(
        schema(NETWORK, CPU, TIME), schema(NETWORK, DEFAULTED_DISK, CPU, TIME), {}, {"disk": 2.5}
    ),
    "other field added with a default": Change(OLD, schema(NETWORK, DISK, CPU, TIME, HOST)),
    "metric with a default dropped": Change(
        schema(NETWORK, DEFAULTED_DISK, CPU, TIME), schema(NETWORK, CPU, TIME), {}, {"disk": 2.5}
    ),
    "other field dropped": Change(schema(HOST, *OLD["fields"]), OLD),
    "reordered": Change(OLD, schema(TIME, CPU, NETWORK, DISK)),
    "renamed with an alias": Change(
        OLD, schema(NETWORK, DISK, field("load", "float", aliases=["cpu"]), TIME), {"load": "cpu"}
    ),
    "int to long": promoted("int", "long"),
    "int to float": promoted("int", "float"),
    "int to double": promoted("int", "double"),
    "long to float": promoted("long", "float"),
    "long to double": promoted("long", "double"),
    "float to double": promoted("float", "double"),
    "made nullable": Change(
        OLD, schema(field("network", ["null", "int"]), field("disk", ["float", "null"]), CPU, TIME)
    ),
}
INCOMPATIBLE = {
    "metric added without a default": (schema(*OLD["fields"], field("errors", "float")), "errors"),
    "renamed without an alias": (schema(NETWORK, DISK, field("load", "float"), TIME), "load"),
    "narrowed": (schema(NETWORK, field("disk", "int"), CPU, TIME), "INT not compatible with writer type: FLOAT"),
    "made a string": (
        schema(NETWORK, DISK, field("cpu", "string"), TIME),
        "STRING not compatible with writer type: FLOAT",
    ),
    "another record": (schema(*OLD["fields"], name="Other"), "lab.metrics.Metric"),
}


def written(version: AvroSchema, values: dict[str, Any], change: Change) -> dict[str, Any]:
    """The values as a writer of that version has them, under its names; other fields get something."""
    of_field = {one["name"]: change.renamed.get(one["name"], one["name"]) for one in version["fields"]}
    return {name: values.get(old, "any") for name, old in of_field.items()}


def row(version: AvroSchema, values: dict[str, Any], change: Change) -> list[float]:
    """The metrics that a reader should see: those that were written, and the default for what was not."""
    has = {change.renamed.get(one["name"], one["name"]) for one in version["fields"]}
    return [float(values[name]) if name in has else change.default[name] for name in METRICS]
