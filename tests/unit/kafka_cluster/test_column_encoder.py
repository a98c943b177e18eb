from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_cluster.codec import Encoder, MetricDecoder
from kafka_cluster.column_encoder import ColumnEncoder
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.schemas import load_schema

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32),
    "double": st.floats(),
}
TYPES = {"boolean": np.bool_, "int": np.int64, "long": np.int64, "float": np.float64, "double": np.float64}


@st.composite
def flat_records(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A flat schema and some records of it."""
    kinds = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=6))
    unions = draw(
        st.lists(st.sampled_from(["no", "null first", "null last"]), min_size=len(kinds), max_size=len(kinds))
    )
    fields, parts = [], {}
    for number, (kind, union) in enumerate(zip(kinds, unions, strict=True)):
        types = {"no": kind, "null first": ["null", kind], "null last": [kind, "null"]}[union]
        fields.append({"name": f"f{number}", "type": types})
        parts[f"f{number}"] = VALUES[kind] if union == "no" else st.none() | VALUES[kind]
    records = draw(st.lists(st.fixed_dictionaries(parts), max_size=8))
    return {"type": "record", "name": "Flat", "fields": fields}, records


def columns_of(schema: dict[str, Any], records: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    columns: dict[str, Any] = {}
    missing: dict[str, Any] = {}
    for field in schema["fields"]:
        name, kinds = field["name"], field["type"] if isinstance(field["type"], list) else [field["type"]]
        kind = next(kind for kind in kinds if kind != "null")
        given_values = [record[name] for record in records]
        columns[name] = np.asarray([0 if value is None else value for value in given_values], TYPES[kind])
        if len(kinds) > 1:
            missing[name] = np.asarray([value is None for value in given_values], np.bool_)
    return columns, missing


@given(flat=flat_records(), schema_id=st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_it_writes_what_fastavro_writes_byte_for_byte(
    flat: tuple[dict[str, Any], list[dict[str, Any]]], schema_id: int
) -> None:
    schema, records = flat
    columns, missing = columns_of(schema, records)
    encoder = Encoder(schema, schema_id)
    assert ColumnEncoder(schema, schema_id).encode(columns, missing).values() == [
        encoder.encode(one) for one in records
    ]


def test_a_column_of_none_is_null_everywhere_and_what_is_written_can_be_read() -> None:
    registry, schema = MemoryRegistry(), load_schema("event")
    encoder = ColumnEncoder(schema, registry.register("events-value", schema))
    ids, times = np.asarray([1, -(2**53)]), np.asarray([0, 1_700_000_000_000])
    encoded = encoder.encode(
        {"id": ids, "value": np.asarray([0.1, -1e300]), "timestamp": times, "latitude": None, "longitude": None}
    )
    read = MetricDecoder(registry, ("id", "value")).decode(encoded.values())
    assert (read.values[:, 0].tolist(), read.values[:, 1].tolist()) == (ids.tolist(), [0.1, -1e300])
    assert read.times_ms.tolist() == times.tolist()
    where = MetricDecoder(registry, ("latitude",)).decode(encoded.values())
    assert [str(one.error) for one in where.rejected] == ["not-finite"] * 2


@pytest.mark.parametrize(
    ("field", "column", "complaint"),
    [
        ("int", [2**31], "outside"),
        ("int", [0.5], "not whole"),
        ("boolean", [2], "outside"),
        ("float", [1e39], "too large"),
        ("float", [[1.0]], "shape"),
        ("float", None, "not given"),
    ],
)
def test_what_a_type_cannot_hold_is_refused(field: str, column: Any, complaint: str) -> None:
    schema = {
        "type": "record",
        "name": "One",
        "fields": [{"name": "long", "type": "long"}, {"name": "f", "type": field}],
    }
    columns = {"long": np.asarray([0]), "f": None if column is None else np.asarray(column)}
    with pytest.raises(ValueError, match=complaint):
        ColumnEncoder(schema, 1).encode(columns)


@pytest.mark.parametrize(
    "kind", ["string", ["int", "string"], ["null", "int", "long"], {"type": "array", "items": "int"}]
)
def test_other_schemas_are_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match="no number"):
        ColumnEncoder({"type": "record", "name": "One", "fields": [{"name": "f", "type": kind}]}, 1)
