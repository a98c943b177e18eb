"""What is registered about a metric: its other names and its default, and when the decoder looks again."""

from __future__ import annotations

from typing import Any

import pytest

from kafka_cluster.codec import Columns, DecodeError, Encoder, MetricDecoder
from kafka_cluster.evolution import evolution
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.registry import RegistryAwayError
from kafka_cluster.schemas import AvroSchema
from tests.evolution_cases import TIME, field, schema

SUBJECT = "metrics-value"
CPU = schema(field("cpu", "float"), TIME)
LOAD = schema(field("load", "float", aliases=["cpu"]), TIME)
USAGE = schema(field("usage", "float", aliases=["load"]), TIME)


def value(registry: MemoryRegistry, version: AvroSchema, **values: Any) -> bytes:
    return Encoder(version, registry.register(SUBJECT, version)).encode({"timestamp": 1, **values})


def numbers(columns: Columns) -> Any:
    assert columns.rejected == []
    return columns.values.tolist()


@pytest.mark.parametrize("asked", ["cpu", "load", "usage"])
def test_a_field_renamed_twice_is_one_field_under_each_of_its_names(asked: str) -> None:
    registry = MemoryRegistry()
    batch = [value(registry, CPU, cpu=1), value(registry, LOAD, load=2), value(registry, USAGE, usage=3)]
    decoder = MetricDecoder(registry, [asked], subject=SUBJECT)
    assert numbers(decoder.decode(batch)) == [[1.0], [2.0], [3.0]]


def test_the_default_is_that_of_the_newest_version_that_has_the_field() -> None:
    versions = [CPU, *(schema(field("disk", "float", default=number), TIME) for number in (2.0, 1.0))]
    assert evolution(versions, ["disk"])["disk"]["default"] == 2.0


def test_a_field_that_no_version_has_is_not_known() -> None:
    assert evolution([CPU, "string", None, ["null", "int"]], ["disk"]) == {}


def test_two_metrics_that_are_asked_for_never_take_one_field() -> None:
    registry = MemoryRegistry()
    old = value(registry, CPU, cpu=1)
    value(registry, LOAD, load=2)
    (rejected,) = MetricDecoder(registry, ["cpu", "load"], subject=SUBJECT).decode([old]).rejected
    assert rejected.error is DecodeError.UNFIT_SCHEMA
    assert "has no field 'load'" in rejected.reason


def test_a_version_that_appears_later_is_followed_and_old_records_are_read_by_it_too() -> None:
    registry = MemoryRegistry()
    old = value(registry, CPU, cpu=1)
    decoder = MetricDecoder(registry, ["cpu", "disk"], subject=SUBJECT)
    assert decoder.decode([old]).rejected[0].error is DecodeError.UNFIT_SCHEMA
    wider = schema(field("load", "float", aliases=["cpu"]), field("disk", "float", default=2.0), TIME)
    new = value(registry, wider, load=3, disk=4)
    assert numbers(decoder.decode([old, new, old])) == [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]


def test_a_schema_that_did_not_fit_fits_once_a_default_is_registered() -> None:
    registry = MemoryRegistry()
    old = value(registry, CPU, cpu=1)
    decoder = MetricDecoder(registry, ["cpu", "disk"], subject=SUBJECT)
    assert decoder.decode([old]).rejected
    registry.register(SUBJECT, schema(*CPU["fields"], field("disk", "float", default=2.0)))
    assert numbers(decoder.decode([old])) == [[1.0, 2.0]]


def test_a_schema_that_is_known_and_fits_asks_the_registry_nothing() -> None:
    registry = MemoryRegistry()
    old = value(registry, CPU, cpu=1)
    decoder = MetricDecoder(registry, ["cpu"], subject=SUBJECT)
    first = decoder.decode([old])
    registry.away = True
    assert numbers(decoder.decode([old])) == numbers(first)


def test_a_registry_that_is_away_at_the_look_up_rejects_nothing() -> None:
    class AwayForSubjects(MemoryRegistry):
        def versions(self, subject: str) -> list[AvroSchema]:
            raise RegistryAwayError(subject, "does not answer")

    registry = AwayForSubjects()
    old = value(registry, CPU, cpu=1)
    with pytest.raises(RegistryAwayError):
        MetricDecoder(registry, ["cpu"], subject=SUBJECT).decode([old])


def test_another_subject_leaves_the_fields_their_own_names() -> None:
    registry = MemoryRegistry()
    old, new = value(registry, CPU, cpu=1), value(registry, LOAD, load=2)
    decoder = MetricDecoder(registry, ["cpu"], subject="elsewhere")
    assert [rejected.row for rejected in decoder.decode([old, new]).rejected] == [1]


@pytest.mark.parametrize(
    ("avro_type", "default", "number"),
    [
        ("int", 7, 7.0),
        ("double", 0.1, 0.1),
        ("float", 0.1, 0.10000000149011612),
        ("boolean", True, 1.0),
        (["null", "int"], 3, 3.0),
    ],
)
def test_a_default_is_a_number_of_its_type(avro_type: Any, default: Any, number: float) -> None:
    registry = MemoryRegistry()
    old = value(registry, CPU, cpu=1)
    registry.register(SUBJECT, schema(*CPU["fields"], field("disk", avro_type, default=default)))
    assert numbers(MetricDecoder(registry, ["disk"], subject=SUBJECT).decode([old])) == [[number]]


@pytest.mark.parametrize(("avro_type", "default"), [("string", "x"), ({"type": "int", "logicalType": "date"}, 1)])
def test_a_default_that_is_no_number_is_none(avro_type: Any, default: Any) -> None:
    registry = MemoryRegistry()
    old = value(registry, CPU, cpu=1)
    registry.register(SUBJECT, schema(*CPU["fields"], field("disk", avro_type, default=default)))
    (rejected,) = MetricDecoder(registry, ["disk"], subject=SUBJECT).decode([old]).rejected
    assert rejected.error is DecodeError.UNFIT_SCHEMA


def test_a_default_of_null_is_no_number_to_score() -> None:
    registry = MemoryRegistry()
    old = value(registry, CPU, cpu=1)
    registry.register(SUBJECT, schema(*CPU["fields"], field("disk", ["null", "float"], default=None)))
    (rejected,) = MetricDecoder(registry, ["disk"], subject=SUBJECT).decode([old]).rejected
    assert (rejected.error, rejected.reason) == (DecodeError.NOT_FINITE, "field 'disk': is null")


def test_the_timestamp_may_be_renamed_too() -> None:
    registry = MemoryRegistry()
    micros = {"type": "long", "logicalType": "timestamp-micros"}
    registry.register(SUBJECT, CPU)
    new = Encoder(schema(field("cpu", "float"), field("at", micros, aliases=["timestamp"])), 1)
    renamed = registry.register(SUBJECT, schema(field("cpu", "float"), field("at", "long", aliases=["timestamp"])))
    body = new.encode({"cpu": 1, "at": 5})[5:]
    columns = MetricDecoder(registry, ["cpu"], subject=SUBJECT).decode([b"\0" + renamed.to_bytes(4, "big") + body])
    assert (columns.times_ms.tolist(), columns.rejected) == ([5], [])
