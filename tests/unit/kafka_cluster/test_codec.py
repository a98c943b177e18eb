from __future__ import annotations

import io
import math
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_cluster.codec import (
    HEADER,
    Columns,
    DecodeError,
    Encoder,
    MetricDecoder,
    RecordDecoder,
    RejectedValueError,
)
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.registry import RegistryAwayError
from kafka_cluster.schemas import AvroSchema, load_schema, metric_schema

METRICS = ("network", "disk", "cpu")
SCHEMA = load_schema("metric")
float32s = st.floats(width=32, allow_nan=False, allow_infinity=False)
records = st.fixed_dictionaries(
    {"network": float32s, "disk": float32s, "cpu": float32s, "timestamp": st.integers(-(2**63), 2**63 - 1)}
)


def setup(schema: AvroSchema = SCHEMA) -> tuple[MemoryRegistry, Encoder]:
    registry = MemoryRegistry()
    return registry, Encoder(schema, registry.register("metrics-value", schema))


def decode(registry: MemoryRegistry, *values: bytes | None) -> Columns:
    return MetricDecoder(registry, METRICS).decode(values)


def reading(**changes: Any) -> dict[str, Any]:
    return {"network": 1.0, "disk": 2.0, "cpu": 3.0, "timestamp": 4, **changes}


@given(st.lists(records, max_size=20))
def test_a_batch_in_columns_holds_what_fastavro_reads_one_by_one(batch: list[dict[str, Any]]) -> None:
    registry, encoder = setup()
    values = [encoder.encode(record) for record in batch]
    columns = decode(registry, *values)
    expected = [
        fastavro.schemaless_reader(io.BytesIO(value[5:]), fastavro.parse_schema(SCHEMA), None) for value in values
    ]
    assert columns.rejected == []
    assert columns.rows.tolist() == list(range(len(batch)))
    assert columns.times_ms.tolist() == [record["timestamp"] for record in expected]  # type: ignore[call-overload, index]
    assert columns.values.tolist() == [[record[name] for name in METRICS] for record in expected]  # type: ignore[call-overload, index]


def test_a_frame_is_a_zero_byte_the_id_big_endian_and_the_avro_body() -> None:
    _, encoder = setup()
    value = encoder.encode(reading())
    assert value[:5] == b"\x00\x00\x00\x00\x01"
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(SCHEMA), reading())
    assert value[5:] == body.getvalue()


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, DecodeError.NO_VALUE),
        (b"", DecodeError.NOT_FRAMED),
        (b"\x00\x00\x00\x01", DecodeError.NOT_FRAMED),
        (b"\x01\x00\x00\x00\x01" + bytes(13), DecodeError.NOT_FRAMED),
        (b'{"cpu": 1}', DecodeError.NOT_FRAMED),
        (b"\x00\x00\x00\x00\x63" + bytes(13), DecodeError.UNKNOWN_SCHEMA),
        (b"\x00\x00\x00\x00\x01" + bytes(12), DecodeError.UNDECODABLE),
        (b"\x00\x00\x00\x00\x01" + bytes(12) + b"\xff" * 11, DecodeError.UNDECODABLE),
        (b"\x00\x00\x00\x00\x01" + bytes(14), DecodeError.TRAILING_BYTES),
    ],
)
def test_a_bad_value_is_rejected_with_its_class_and_costs_its_neighbours_nothing(
    value: bytes | None, error: DecodeError
) -> None:
    registry, encoder = setup()
    good = encoder.encode(reading())
    columns = decode(registry, good, value, good)
    assert columns.rows.tolist() == [0, 2]
    assert [(rejected.row, rejected.error) for rejected in columns.rejected] == [(1, error)]
    assert columns.rejected[0].reason


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_not_finite_is_rejected_by_name(number: float) -> None:
    registry, encoder = setup()
    (rejected,) = decode(registry, encoder.encode(reading(disk=number))).rejected
    assert rejected.error is DecodeError.NOT_FINITE
    assert "disk" in rejected.reason


def nullable(name: str) -> AvroSchema:
    fields = [dict(field, type=["null", "float"]) if field["name"] == name else field for field in SCHEMA["fields"]]
    return {**SCHEMA, "fields": fields}


def test_a_null_metric_is_rejected_and_a_nullable_one_with_a_value_is_not() -> None:
    registry, encoder = setup(nullable("cpu"))
    columns = decode(registry, encoder.encode(reading()), encoder.encode(reading(cpu=None)))
    assert columns.rows.tolist() == [0]
    assert columns.rejected[0].error is DecodeError.NOT_FINITE


@pytest.mark.parametrize(
    "fields", [SCHEMA["fields"][1:], [dict(SCHEMA["fields"][0], type="string"), *SCHEMA["fields"][1:]]]
)
def test_a_schema_without_a_needed_number_is_unfit_and_says_which(fields: list[dict[str, Any]]) -> None:
    registry, _ = setup()
    schema = {**SCHEMA, "fields": fields}
    other = Encoder(schema, registry.register("other-value", schema))
    (rejected,) = decode(registry, other.encode(reading(network="x"))).rejected
    assert rejected.error is DecodeError.UNFIT_SCHEMA
    assert "'network'" in rejected.reason


def test_several_schemas_in_one_batch_each_decode_by_their_own() -> None:
    registry, encoder = setup()
    reordered = {**SCHEMA, "fields": list(reversed(SCHEMA["fields"]))}
    other = Encoder(reordered, registry.register("other-value", reordered))
    columns = decode(registry, encoder.encode(reading(cpu=7.0)), other.encode(reading(cpu=8.0)))
    assert columns.values[:, 2].tolist() == [7.0, 8.0]
    assert columns.values[:, 0].tolist() == [1.0, 1.0]


def test_a_registry_that_is_away_rejects_nothing() -> None:
    registry, encoder = setup()
    value = encoder.encode(reading())
    registry.away = True
    with pytest.raises(RegistryAwayError):
        decode(registry, value)


@given(st.binary(max_size=40))
def test_no_bytes_make_the_decoder_fall_over(body: bytes) -> None:
    registry, _ = setup()
    columns = decode(registry, HEADER.pack(0, 1) + body)
    assert len(columns.rows) + len(columns.rejected) == 1
    assert np.isfinite(columns.values).all()


def test_a_decoded_record_is_what_was_encoded() -> None:
    registry, encoder = setup()
    assert RecordDecoder(registry).decode(encoder.encode(reading())) == reading()
    with pytest.raises(RejectedValueError, match="trailing-bytes"):
        RecordDecoder(registry).decode(encoder.encode(reading()) + b"\x00")
    with pytest.raises(RejectedValueError, match="undecodable: field 'cpu': the body ends early at byte 8"):
        RecordDecoder(registry).decode(encoder.encode(reading())[:-2])


@pytest.mark.parametrize("schema", ["string", {"type": "enum", "name": "E", "symbols": ["A"]}, {"type": "nonsense"}])
def test_what_is_no_record_schema_is_unfit_and_not_read(schema: Any) -> None:
    class One(MemoryRegistry):
        def schema(self, _schema_id: int) -> Any:
            return schema

    with pytest.raises(RejectedValueError, match=r"unfit-schema: schema 1 is no (record|Avro schema)"):
        RecordDecoder(One()).decode(HEADER.pack(0, 1) + b"\x02A")


def test_a_logical_type_is_read_as_the_number_that_it_annotates() -> None:
    instant = {"type": "long", "logicalType": "timestamp-millis"}
    schema = {"type": "record", "name": "R", "fields": [{"name": "at", "type": instant}]}
    registry, _ = setup(schema)
    body = b"\xff" * 9 + b"\x01"  # the smallest long, which is no date of Python's
    assert RecordDecoder(registry).decode(HEADER.pack(0, 1) + body) == {"at": -(2**63)}


def test_the_cloudwatch_set_has_its_own_schema_and_other_sets_get_one_made() -> None:
    assert metric_schema(METRICS) == SCHEMA
    made = metric_schema(("memory", "load"))
    assert [field["name"] for field in made["fields"]] == ["memory", "load", "timestamp"]
    assert all(field["doc"] for field in made["fields"])
