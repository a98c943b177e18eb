"""The edges of the wire format, and bytes made to do harm."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_cluster import strict
from kafka_cluster.avro import parse
from kafka_cluster.codec import HEADER, Columns, DecodeError, MetricDecoder
from kafka_cluster.faults import Fault
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.schemas import AvroSchema
from kafka_cluster.utf8 import is_utf8
from tests.unit.kafka_cluster.avro_strategies import zigzag

ENUM = {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}
NODE = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}


def with_first(avro_type: Any) -> AvroSchema:
    fields = [{"name": "first", "type": avro_type}, {"name": "timestamp", "type": "long"}]
    return {"type": "record", "name": "R", "fields": fields}


def decode(avro_type: Any, *bodies: bytes) -> Columns:
    """Batches of a field of that type, then a timestamp of 3, which is a byte 6."""
    registry = MemoryRegistry()
    header = HEADER.pack(0, registry.register("x", with_first(avro_type)))
    return MetricDecoder(registry, []).decode([header + body + b"\x06" for body in bodies])


@pytest.mark.parametrize(
    ("avro_type", "body", "reason"),
    [
        ("int", zigzag(2**31 - 1), ""),
        ("int", zigzag(-(2**31)), ""),
        ("int", zigzag(1, padding=4), ""),
        ("int", zigzag(2**31), "the integer at byte 0 is longer than its type"),
        ("int", zigzag(1, padding=5), "the integer at byte 0 is longer than its type"),
        ("long", zigzag(2**63 - 1), ""),
        ("long", zigzag(-(2**63)), ""),
        ("long", zigzag(0, padding=9), ""),
        ("long", zigzag(2**63), "the integer at byte 0 is longer than its type"),
        ("long", zigzag(0, padding=10), "the integer at byte 0 is longer than its type"),
        ("boolean", b"\x01", ""),
        ("boolean", b"\x02", "the boolean at byte 0 is neither 0 nor 1"),
        (ENUM, zigzag(1), ""),
        (ENUM, zigzag(2), "the enum at byte 0 has no such symbol"),
        (ENUM, zigzag(-1), "the enum at byte 0 has no such symbol"),
        (["null", "int"], zigzag(0), ""),
        (["null", "int"], zigzag(2), "the union at byte 0 has no such branch"),
        (["null", "int"], zigzag(-1), "the union at byte 0 has no such branch"),
        (["null", "int"], zigzag(1) + zigzag(2**31), "the integer at byte 1 is longer than its type"),
        ("string", zigzag(2) + "é".encode(), ""),
        ("string", zigzag(2) + b"\xc3\x28", "the string at byte 1 is not UTF-8"),
        ("bytes", zigzag(2) + b"\xc3\x28", ""),
        ("bytes", zigzag(-1), "the length at byte 0 is negative or goes past the end"),
        ("string", zigzag(2), "the length at byte 0 is negative or goes past the end"),
        ("string", zigzag(2**63 - 1), "the length at byte 0 is negative or goes past the end"),
        ("float", bytes(2), "the body ends early at byte 0"),
        ("double", bytes(6), "the body ends early at byte 0"),
        ({"type": "fixed", "name": "F", "size": 3}, bytes(1), "the body ends early at byte 0"),
    ],
)
def test_the_edges_of_each_type_are_told_by_field_and_place(avro_type: Any, body: bytes, reason: str) -> None:
    columns = decode(avro_type, body)
    flaw = strict.check(parse(with_first(avro_type))[0], body + b"\x06")
    if not reason:
        assert (flaw, columns.times_ms.tolist()) == (None, [3])
        return
    assert flaw is not None
    assert flaw.text(("first",), len(body)) == f"field 'first': {reason}"
    (rejected,) = columns.rejected
    assert (rejected.error, rejected.reason) == (DecodeError.UNDECODABLE, f"field 'first': {reason}")


@pytest.mark.parametrize(
    ("avro_type", "body"),
    [
        ("float", bytes(4)),
        ("double", bytes(8)),
        ("boolean", b"\x01"),
        ({"type": "fixed", "name": "F", "size": 3}, b"abc"),
        ("string", zigzag(3) + b"abc"),
    ],
)
def test_the_last_field_may_end_with_the_body_and_not_a_byte_later(avro_type: Any, body: bytes) -> None:
    registry = MemoryRegistry()
    schema = with_first(avro_type)
    header = HEADER.pack(0, registry.register("x", {**schema, "fields": schema["fields"][::-1]}))
    columns = MetricDecoder(registry, []).decode([header + b"\x06" + body, header + b"\x06" + body[:-1]])
    assert columns.rows.tolist() == [0]
    assert columns.rejected[0].error is DecodeError.UNDECODABLE


def test_what_is_left_over_is_counted() -> None:
    (rejected,) = decode("int", b"\x00\x00\x00").rejected
    assert (rejected.error, rejected.reason) == (DecodeError.TRAILING_BYTES, "2 bytes after the record")


@given(st.binary(max_size=6) | st.text(max_size=4).map(str.encode))
def test_utf8_is_what_python_decodes(text: bytes) -> None:
    assert says_utf8(text) == python_decodes(text)


def test_every_lead_with_every_second_byte_is_utf8_exactly_when_python_decodes_it() -> None:
    for lead in range(0x80, 0x100):
        for second in range(0x100):
            for tail in (b"", b"\x80", b"\x80\xbf", b"\x80\x41"):
                text = bytes([lead, second]) + tail
                assert says_utf8(text) == python_decodes(text), text


def says_utf8(text: bytes) -> bool:
    return bool(is_utf8(np.frombuffer(text + b"\x80", np.uint8), 0, len(text)))


def python_decodes(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("avro_type", "body", "fault"),
    [
        (NODE, b"\x02" * 100_000, Fault.DEPTH),
        ({"type": "array", "items": "null"}, zigzag(2**62), Fault.BLOCK),
        ({"type": "array", "items": "null"}, zigzag(-(2**63)) + zigzag(0), Fault.BLOCK),
        ({"type": "array", "items": "int"}, zigzag(-1) + zigzag(2) + b"\x00\x00", Fault.BLOCK),
        ({"type": "array", "items": "null"}, zigzag(900) * 900, Fault.BLOCK),
        ({"type": "map", "values": "null"}, zigzag(1) + zigzag(1) + b"\xff\x00", Fault.TEXT),
    ],
)
def test_bytes_made_to_exhaust_the_reader_are_refused_early(avro_type: Any, body: bytes, fault: Fault) -> None:
    writer, _ = parse(with_first(avro_type))
    flaw = strict.check(writer, body + b"\x06")
    assert flaw is not None
    assert flaw.fault is fault
    assert decode(avro_type, body).rejected[0].error is DecodeError.UNDECODABLE


def test_records_may_nest_as_deep_as_anyone_needs() -> None:
    assert decode(NODE, b"\x02" * 30 + b"\x00").times_ms.tolist() == [3]


def test_long_values_and_empty_batches_decode_too() -> None:
    assert decode("string", zigzag(1_000) + b"x" * 1_000, zigzag(1) + b"x").times_ms.tolist() == [3, 3]
    decoder = MetricDecoder(MemoryRegistry(), ("a", "b"))
    empty = decoder.decode([])
    assert (empty.rows.shape, empty.times_ms.shape, empty.values.shape) == ((0,), (0,), (0, 2))
    assert [one.error for one in decoder.decode([None, b""]).rejected] == [DecodeError.NO_VALUE, DecodeError.NOT_FRAMED]


@pytest.mark.parametrize("schema", ["string", ["null"], {"type": "object"}, {"type": "record"}, None, 5])
def test_a_schema_that_is_no_record_is_unfit_and_the_registry_is_asked_once(schema: Any) -> None:
    registry = OneSchema(schema)
    decoder = MetricDecoder(registry, [])
    for _ in range(2):
        (rejected,) = decoder.decode([HEADER.pack(0, 7)]).rejected
        assert rejected.error is DecodeError.UNFIT_SCHEMA
        assert rejected.reason.startswith("schema 7 is no ")
    assert registry.asked == 1


def test_a_schema_that_is_not_even_json_is_unfit() -> None:
    (rejected,) = MetricDecoder(OneSchema(ValueError), []).decode([HEADER.pack(0, 7)]).rejected
    assert (rejected.error, rejected.reason) == (DecodeError.UNFIT_SCHEMA, "schema 7 is no Avro schema, nor JSON")


class OneSchema(MemoryRegistry):
    """Answers every id with the same; or fails as a registry that holds Protobuf does."""

    def __init__(self, schema: Any) -> None:
        super().__init__()
        self.answer, self.asked = schema, 0

    def schema(self, schema_id: int) -> AvroSchema:
        assert schema_id == 7
        self.asked += 1
        answer: AvroSchema = json.loads("syntax = proto3") if self.answer is ValueError else self.answer
        return answer
