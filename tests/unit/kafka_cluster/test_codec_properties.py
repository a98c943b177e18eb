"""Any schema, any bytes: the column decoder, fastavro and the strict reference say the same."""

from __future__ import annotations

import io
import math
from typing import Any, cast

import fastavro
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_cluster import paths, strict
from kafka_cluster.avro import parse
from kafka_cluster.batch import Batch, Decoded
from kafka_cluster.codec import HEADER, Columns, MetricDecoder, RecordDecoder, RejectedValueError
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.reader import Reader
from tests.unit.kafka_cluster import avro_reference
from tests.unit.kafka_cluster.avro_strategies import KEPT, METRICS, bodies, damaged, schemas

any_schema = schemas() | schemas(rich=True)
Row = tuple[int, list[float], Any]


def with_bodies(schema: Any, *, broken: bool) -> st.SearchStrategy[tuple[Any, list[bytes]]]:
    one = bodies(schema)
    return st.tuples(st.just(schema), st.lists((one | one.flatmap(damaged)) if broken else one, max_size=8))


valid = any_schema.flatmap(lambda schema: with_bodies(schema, broken=False))
mixed = any_schema.flatmap(lambda schema: with_bodies(schema, broken=True))
flat_mixed = schemas().flatmap(lambda schema: with_bodies(schema, broken=True))


def per_ms(schema: Any) -> int:
    field = next(field["type"] for field in schema["fields"] if field["name"] == "timestamp")
    (branch,) = [one for one in (field if isinstance(field, list) else [field]) if one != "null"]
    logical = branch["logicalType"] if isinstance(branch, dict) else "timestamp-millis"
    return {"timestamp-millis": 1, "timestamp-micros": 1_000, "timestamp-nanos": 1_000_000}[logical]


def row_of(schema: Any, record: dict[str, Any]) -> Row | None:
    """What should become of a record; None if it has no number where one is needed."""
    needed = [record[name] for name in (*METRICS, "timestamp")]
    if any(number is None or not math.isfinite(number) for number in needed):
        return None
    return record["timestamp"] // per_ms(schema), [float(record[name]) for name in METRICS], record[KEPT]


def expected(schema: Any, body: bytes) -> Row | None:
    if not avro_reference.is_valid(schema, body):
        return None
    return row_of(schema, avro_reference.decode(schema, body))


def decoded(schema: Any, bodies: list[bytes]) -> Columns:
    registry = MemoryRegistry()
    header = HEADER.pack(0, registry.register("x", schema))
    return MetricDecoder(registry, METRICS, keep=(KEPT,)).decode([header + body for body in bodies])


def rows_of(columns: Columns, count: int) -> list[Row | None]:
    rows: list[Row | None] = [None] * count
    found = zip(columns.times_ms.tolist(), columns.values.tolist(), columns.kept[KEPT], strict=True)
    for row, content in zip(columns.rows.tolist(), found, strict=True):
        rows[row] = content
    return rows


def plain(schema: Any) -> Any:
    """Without the logical types that make fastavro convert."""
    if isinstance(schema, dict):
        return {key: plain(part) for key, part in schema.items() if key != "logicalType"}
    return [plain(part) for part in schema] if isinstance(schema, list) else schema


@given(valid)
def test_valid_bytes_of_any_schema_become_what_fastavro_reads(case: tuple[Any, list[bytes]]) -> None:
    schema, values = case
    parsed = fastavro.parse_schema(plain(schema))
    records = [fastavro.schemaless_reader(io.BytesIO(body), parsed, None) for body in values]
    want = [row_of(schema, cast(dict[str, Any], record)) for record in records]
    assert rows_of(decoded(schema, values), len(values)) == want


@given(mixed)
def test_a_value_is_rejected_exactly_when_the_strict_reference_rejects_it(case: tuple[Any, list[bytes]]) -> None:
    schema, values = case
    columns = decoded(schema, values)
    want = [expected(schema, body) for body in values]
    assert rows_of(columns, len(values)) == want
    assert [rejected.row for rejected in columns.rejected] == [row for row, one in enumerate(want) if one is None]
    assert all(rejected.reason for rejected in columns.rejected)


def read_one(decoder: RecordDecoder, value: bytes) -> dict[str, Any] | None:
    try:
        return decoder.decode(value)
    except RejectedValueError:
        return None


@given(mixed)
def test_a_record_read_alone_is_rejected_exactly_when_the_strict_reference_rejects_it(
    case: tuple[Any, list[bytes]],
) -> None:
    schema, values = case
    registry = MemoryRegistry()
    header = HEADER.pack(0, registry.register("x", schema))
    decoder = RecordDecoder(registry)
    want = [avro_reference.decode(schema, body) if avro_reference.is_valid(schema, body) else None for body in values]
    assert repr([read_one(decoder, header + body) for body in values]) == repr(want)  # NaN is equal by its text alone


@given(any_schema.flatmap(lambda schema: st.tuples(st.just(schema), bodies(schema))))
def test_no_part_of_a_record_and_nothing_longer_is_a_record(case: tuple[Any, bytes]) -> None:
    schema, body = case
    registry = MemoryRegistry()
    header = HEADER.pack(0, registry.register("x", schema))
    decoder = RecordDecoder(registry)
    assert read_one(decoder, header + body) is not None
    assert [size for size in range(len(body)) if read_one(decoder, header + body[:size]) is not None] == []
    with pytest.raises(RejectedValueError, match="trailing-bytes: 1 bytes after the record"):
        decoder.decode(header + body + b"\0")


@given(mixed)
def test_the_check_before_fastavro_is_the_strict_reference(case: tuple[Any, list[bytes]]) -> None:
    schema, values = case
    writer, _ = parse(schema)
    assert [strict.check(writer, body) is None for body in values] == [
        avro_reference.is_valid(schema, body) for body in values
    ]


@given(flat_mixed)
def test_both_paths_give_the_same_rows_and_the_same_reasons(case: tuple[Any, list[bytes]]) -> None:
    schema, values = case
    reader = Reader(METRICS, None, (KEPT,))
    writer, without_logical = parse(schema)
    batch = Batch.of([bytes(5) + body for body in values])
    rows = np.arange(len(values), dtype=np.int64)
    outs = []
    for path in (paths.path_for(schema, reader), paths.SlowPath(writer, without_logical, reader)):
        out = Decoded.empty(len(values), len(METRICS), 1)
        assert path.decode(batch, rows, out) == bool((out.flaws[:, 0] != 0).any())
        good = out.flaws[:, 0] == 0
        flaws = [flaw if flaw[0] else [0] for flaw in out.flaws.tolist()]
        kept = [out.kept[0][row] for row in np.flatnonzero(good)]
        outs.append((flaws, path.names, out.times_ms[good].tolist(), out.values[good].tolist(), kept))
    assert outs[0] == outs[1]
    assert isinstance(paths.path_for(schema, reader), paths.FastPath)


@given(st.lists(mixed, min_size=1, max_size=3), st.randoms(use_true_random=False), st.integers(1, 9))
def test_neither_neighbours_nor_batches_nor_other_schemas_change_a_row(
    cases: list[tuple[Any, list[bytes]]], random: Any, size: int
) -> None:
    registry = MemoryRegistry()
    values: list[tuple[bytes | None, Row | None]] = [(None, None), (b"", None), (b"\0\0\0\0", None), (bytes(9), None)]
    for k, (schema, some) in enumerate(cases):
        header = HEADER.pack(0, registry.register(f"subject-{k}", schema))
        values += [(header + body, expected(schema, body)) for body in some]
    random.shuffle(values)
    decoder = MetricDecoder(registry, METRICS, keep=(KEPT,))
    whole = decoder.decode([value for value, _ in values])
    assert rows_of(whole, len(values)) == [row for _, row in values]
    assert whole.rows.tolist() == [row for row, (_, one) in enumerate(values) if one is not None]
    assert [rejected.row for rejected in whole.rejected] == [row for row, (_, one) in enumerate(values) if one is None]
    parts = [values[start : start + size] for start in range(0, len(values), size)]
    cut = [row for part in parts for row in rows_of(decoder.decode([value for value, _ in part]), len(part))]
    assert cut == [row for _, row in values]
