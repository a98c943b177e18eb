"""Avro's schema resolution, case by case: what a writer wrote is read as the reader asks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kafka_cluster import paths
from kafka_cluster.avro import parse
from kafka_cluster.batch import Batch, Decoded
from kafka_cluster.codec import DecodeError, Encoder, MetricDecoder
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.reader import Reader, UnfitError
from kafka_cluster.schemas import AvroSchema

TIME = {"name": "timestamp", "type": "long"}
RICH = {"name": "tags", "type": {"type": "array", "items": "string"}}  # sends a record down the slow path
BIG = 2**24 + 1  # not a float32
WIDE = 2**53 + 1  # not a float64


def record(*fields: dict[str, Any], name: str = "R", **more: Any) -> AvroSchema:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(avro_type: Any, name: str = "cpu", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": avro_type, **more}


def read(writer: AvroSchema, reader: AvroSchema | None, **values: Any) -> float:
    """The metric cpu, after both paths have agreed on it; UnfitError if it cannot be read."""
    slow = {**writer, "fields": [RICH, *writer["fields"]]}
    return agreed([column(one, reader, {"timestamp": 1, "tags": ["x"], **values}) for one in (writer, slow)])


def column(writer: AvroSchema, reader: AvroSchema | None, values: dict[str, Any]) -> float:
    registry = MemoryRegistry()
    value = Encoder(writer, registry.register("x", writer)).encode(values)
    columns = MetricDecoder(registry, ["cpu"], reader).decode([value])
    if columns.rejected:
        raise UnfitError(f"{columns.rejected[0].error}: {columns.rejected[0].reason}")
    return float(columns.values[0, 0])


def agreed(numbers: list[float]) -> float:
    assert len(set(numbers)) == 1
    return numbers[0]


ALLOWED = {
    None: {"boolean", "int", "long", "float", "double"},
    "boolean": {"boolean"},
    "int": {"int"},
    "long": {"int", "long"},
    "float": {"int", "long", "float"},
    "double": {"int", "long", "float", "double"},
}
SAMPLES: dict[str, Any] = {"boolean": True, "int": BIG, "long": WIDE, "float": 1.5, "double": 0.1, "string": "1"}


@pytest.mark.parametrize("reader", ALLOWED)
@pytest.mark.parametrize("writer", SAMPLES)
@pytest.mark.parametrize("nullable", [False, True])
def test_every_promotion_that_avro_allows_and_no_other(reader: str | None, writer: str, nullable: bool) -> None:
    written = record(field(["null", writer] if nullable else writer), TIME)
    wanted = record(field([reader, "null"] if nullable else reader), TIME) if reader else None
    if writer not in ALLOWED[reader]:
        with pytest.raises(UnfitError, match="unfit-schema: schema 1 has a field 'cpu' that is no number"):
            read(written, wanted, cpu=SAMPLES[writer])
        return
    number = read(written, wanted, cpu=SAMPLES[writer])
    assert number == (float(np.float32(SAMPLES[writer])) if reader == "float" else float(SAMPLES[writer]))


def test_a_long_is_rounded_once_on_its_way_to_a_float() -> None:
    twice = 2**54 + 2**30 + 1  # through a double it would be a tie, and go down
    written = record(field("long"), TIME)
    assert read(written, record(field("float"), TIME), cpu=twice) == 2**54 + 2**31


@pytest.mark.parametrize(("default", "number"), [(7, 7.0), (0.1, 0.1), (-2.5, -2.5)])
def test_a_field_that_the_writer_lacks_takes_the_readers_default(default: Any, number: float) -> None:
    assert read(record(TIME), record(field("double", default=default), TIME)) == number


def test_a_default_is_of_the_readers_type() -> None:
    assert read(record(TIME), record(field("float", default=0.1), TIME)) == float(np.float32(0.1))


def test_a_default_of_null_rejects_each_record_by_name() -> None:
    with pytest.raises(UnfitError, match="not-finite: field 'cpu': is null"):
        read(record(TIME), record(field(["null", "double"], default=None), TIME))


def test_a_default_does_not_stand_in_for_a_null_that_was_written() -> None:
    with pytest.raises(UnfitError, match="not-finite: field 'cpu': is null"):
        read(record(field(["null", "int"]), TIME), record(field("double", default=1), TIME), cpu=None)


@pytest.mark.parametrize("wanted", [None, record(field("double"), TIME)])
def test_a_field_without_default_that_the_writer_lacks_makes_its_schema_unfit(wanted: AvroSchema | None) -> None:
    with pytest.raises(UnfitError, match="unfit-schema: schema 1 has no field 'cpu'"):
        read(record(TIME), wanted)


def test_the_timestamp_has_defaults_too_in_milliseconds_of_its_unit() -> None:
    micros = {"type": "long", "logicalType": "timestamp-micros"}
    for writer in (record(field("int")), record(RICH, field("int"))):
        registry = MemoryRegistry()
        value = Encoder(writer, registry.register("x", writer)).encode({"cpu": 1, "tags": []})
        wanted = record(field("double"), field(micros, "timestamp", default=7_999))
        assert MetricDecoder(registry, ["cpu"], wanted).decode([value]).times_ms.tolist() == [7]


def test_an_alias_finds_the_old_name_unless_the_new_one_is_there() -> None:
    wanted = record(field("double", aliases=["load", "usage"]), TIME)
    assert read(record(field("int", "usage"), TIME), wanted, usage=5) == 5.0
    assert read(record(field("int", "load"), field("int"), TIME), wanted, load=5, cpu=6) == 6.0
    both = record(field("int", "usage"), field("int", "load"), TIME)
    assert read(both, wanted, usage=5, load=6) == 6.0


def test_an_alias_does_not_take_a_field_that_the_reader_has_under_its_own_name() -> None:
    wanted = record(field("double", aliases=["load"], default=9), field("double", "load"), TIME)
    assert read(record(field("int", "load"), TIME), wanted, load=5) == 9.0


def test_one_field_answers_one_alias_only() -> None:
    wanted = Reader(
        ["a", "b"], record(field("int", "a", aliases=["x"]), field("int", "b", aliases=["x"], default=3), TIME)
    )
    writer, _ = parse(record(field("int", "x"), TIME))
    bound, absent = wanted.bind(writer)
    assert [target and target.name for target in bound] == ["a", "timestamp"]
    assert [target.name for target in absent] == ["b"]


def test_a_record_of_another_name_is_unfit_unless_the_reader_knows_it_by_an_alias() -> None:
    written = record(field("int"), TIME, name="Old", namespace="any.where")
    assert read(written, record(field("int"), TIME, name="Old"), cpu=1) == 1.0
    assert read(written, record(field("int"), TIME, aliases=["Old"]), cpu=1) == 1.0
    assert read(written, None, cpu=1) == 1.0
    with pytest.raises(UnfitError, match=r"is the record 'any.where.Old', the reader's is 'R'"):
        read(written, record(field("int"), TIME), cpu=1)


@pytest.mark.parametrize(
    ("logical", "written", "ms"),
    [
        ("timestamp-millis", -5, -5),
        ("timestamp-micros", 1_999, 1),
        ("timestamp-micros", -1, -1),
        ("timestamp-nanos", 2_999_999, 2),
        ("of-our-own", 5, 5),
        ("date", 5, 5),
    ],
)
@pytest.mark.parametrize("extra", [[], [RICH]])
def test_instants_are_read_in_milliseconds_whatever_their_unit(
    logical: str, written: int, ms: int, extra: list[Any]
) -> None:
    registry = MemoryRegistry()
    body = Encoder(record(*extra, TIME), 1).encode({"timestamp": written, "tags": []})
    registry.register("x", record(*extra, field({"type": "long", "logicalType": logical}, "timestamp")))
    assert MetricDecoder(registry, []).decode([body]).times_ms.tolist() == [ms]


@pytest.mark.parametrize(
    "avro_type",
    [
        "double",
        "boolean",
        "string",
        {"type": "long", "logicalType": "local-timestamp-millis"},
        {"type": "int", "logicalType": "date"},
        ["int", {"type": "long", "logicalType": "timestamp-micros"}],
        ["null"],
    ],
)
def test_what_is_no_instant_is_unfit_for_the_timestamp(avro_type: Any) -> None:
    registry = MemoryRegistry()
    registry.register("x", record(field(avro_type, "timestamp")))
    (rejected,) = MetricDecoder(registry, []).decode([b"\0\0\0\0\x01\x02"]).rejected
    assert rejected.error is DecodeError.UNFIT_SCHEMA
    assert "'timestamp'" in rejected.reason


@pytest.mark.parametrize("kind", ["timestamp-millis", "time-micros", "local-timestamp-nanos"])
def test_a_time_is_no_metric(kind: str) -> None:
    with pytest.raises(UnfitError, match="'cpu' that is no number"):
        read(record(field({"type": "long", "logicalType": kind}), TIME), None, cpu=1)


@pytest.mark.parametrize(
    "wanted",
    [
        record(TIME),
        record(field("string"), TIME),
        record(field(["int", "long"]), TIME),
        record(field("int"), field("double", "timestamp")),
    ],
)
def test_a_reader_that_is_not_made_of_numbers_is_refused_at_once(wanted: AvroSchema) -> None:
    with pytest.raises(ValueError, match="reader's"):
        Reader(["cpu"], wanted)
    with pytest.raises(ValueError, match="twice"):
        Reader(["cpu", "cpu"])


@pytest.mark.parametrize("extra", [[], [RICH]])
def test_kept_fields_go_along_under_the_readers_names_and_defaults(extra: list[Any]) -> None:
    colour = {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}
    writer = record(*extra, TIME, field(["null", "string"], "machine"), field(colour, "colour"), field("bytes", "raw"))
    names: dict[str, list[str]] = {"host": ["machine"], "colour": [], "raw": [], "zone": []}
    fields = [field(["null", "string"], name, aliases=aliases, default="x") for name, aliases in names.items()]
    registry = MemoryRegistry()
    encoder = Encoder(writer, registry.register("x", writer))
    values = [
        encoder.encode({"timestamp": 1, "machine": host, "colour": "BLUE", "raw": b"\xff", "tags": []})
        for host in ("é", None)
    ]
    decoder = MetricDecoder(registry, [], record(TIME, *fields), keep=tuple(names))
    kept: dict[str, list[Any]] = {"host": ["é", None], "colour": ["BLUE"] * 2, "raw": [b"\xff"] * 2, "zone": ["x"] * 2}
    assert decoder.decode(values).kept == kept
    assert decoder.decode([values[0][:-1], values[1], None]).kept == {name: both[1:] for name, both in kept.items()}


def test_flat_records_take_the_kernel_and_others_fastavro() -> None:
    assert isinstance(paths.path_for(record(TIME), Reader([])), paths.FastPath)
    slow = paths.path_for(record(RICH, TIME), Reader([]))
    assert isinstance(slow, paths.SlowPath)
    batch = Batch.of([bytes(7)])
    assert not slow.decode(batch, np.arange(1), Decoded.empty(1, 0, 0))
