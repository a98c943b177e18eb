"""Confluent-framed Avro to columns and back.

A framed value is a zero byte, the schema id as four bytes big-endian, and the Avro body. Whatever is wrong with
one value is told about that value alone; its neighbours decode as if it were not there.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import fastavro
import numpy as np
import numpy.typing as npt

from kafka_cluster.registry import Registry, UnknownSchemaError
from kafka_cluster.schemas import TIMESTAMP, AvroSchema

MAGIC = 0
HEADER = struct.Struct(">BI")
_NUMERIC = {"boolean", "int", "long", "float", "double"}

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]


class DecodeError(StrEnum):
    """Why a value was rejected: the class of error that a dead letter carries."""

    NO_VALUE = "no-value"  # a tombstone
    NOT_FRAMED = "not-framed"  # too short, or the first byte is not zero
    UNKNOWN_SCHEMA = "unknown-schema"  # the registry does not know the id
    UNFIT_SCHEMA = "unfit-schema"  # a field that is needed is missing from the schema, or is no number
    UNDECODABLE = "undecodable"  # the body ends early, or holds what the schema does not allow
    TRAILING_BYTES = "trailing-bytes"  # the body is longer than the record
    NOT_FINITE = "not-finite"  # a metric is null, NaN or infinite


class RejectedValueError(ValueError):
    """A value that is not exactly one good record of a known schema."""

    def __init__(self, error: DecodeError, reason: str) -> None:
        self.error, self.reason = error, reason
        super().__init__(f"{error}: {reason}")


@dataclass(frozen=True)
class Rejected:
    """One value that did not become a row."""

    row: int  # position in the batch
    error: DecodeError
    reason: str


@dataclass(frozen=True)
class Columns:
    """A batch in columns. Row i of the arrays came from value `rows[i]` of the batch."""

    rows: Int64s  # shape (m,), ascending
    times_ms: Int64s  # shape (m,), milliseconds since the epoch, UTC
    values: Float64s  # shape (m, d), finite, one column a metric in the order asked for
    rejected: list[Rejected]


def unframe(value: bytes) -> tuple[int, io.BytesIO]:
    """Schema id and a stream that stands on the body. Raises RejectedValueError."""
    if len(value) < HEADER.size:
        reason = f"{len(value)} bytes, a framed value has at least {HEADER.size}"
        raise RejectedValueError(DecodeError.NOT_FRAMED, reason)
    magic, schema_id = HEADER.unpack_from(value)
    if magic != MAGIC:
        raise RejectedValueError(DecodeError.NOT_FRAMED, f"first byte is {magic:#04x}, not 0")
    stream = io.BytesIO(value)
    stream.seek(HEADER.size)
    return schema_id, stream


class Encoder:
    """Turns records (as dicts) of one schema into framed values."""

    def __init__(self, schema: AvroSchema, schema_id: int) -> None:
        self._schema = fastavro.parse_schema(schema)
        self._header = HEADER.pack(MAGIC, schema_id)

    def encode(self, record: dict[str, Any]) -> bytes:
        """The framed value. Raises ValueError for a record that does not fit the schema."""
        stream = io.BytesIO()
        stream.write(self._header)
        fastavro.schemaless_writer(stream, self._schema, record)
        return stream.getvalue()


class RecordDecoder:
    """Turns framed values of any schema in the registry into dicts."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._parsed: dict[int, Any] = {}

    def schema(self, schema_id: int) -> Any:
        """The parsed writer schema. Raises UnknownSchemaError, RegistryAwayError."""
        if schema_id not in self._parsed:
            self._parsed[schema_id] = fastavro.parse_schema(self._registry.schema(schema_id))
        return self._parsed[schema_id]

    def decode(self, value: bytes) -> dict[str, Any]:
        """The record. Raises RejectedValueError for bytes that are not exactly one record of their schema."""
        schema_id, stream = unframe(value)
        return self.body(self.schema(schema_id), stream)

    @staticmethod
    def body(schema: Any, stream: io.BytesIO) -> dict[str, Any]:
        """The record that `stream` stands on, which must end with it. Raises RejectedValueError."""
        try:
            record: Any = fastavro.schemaless_reader(stream, schema, None)
        except Exception as error:  # noqa: BLE001 - on foreign bytes the decoder raises whatever it trips over
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            raise RejectedValueError(DecodeError.UNDECODABLE, reason) from None
        if left := len(stream.getbuffer()) - stream.tell():
            raise RejectedValueError(DecodeError.TRAILING_BYTES, f"{left} bytes after the record")
        return cast(dict[str, Any], record)


class MetricDecoder:
    """Turns batches of framed metric records into columns of `metrics`."""

    def __init__(self, registry: Registry, metrics: Sequence[str]) -> None:
        self._records = RecordDecoder(registry)
        self._metrics = tuple(metrics)
        self._unfit: dict[int, str] = {}

    def decode(self, values: Sequence[bytes | None]) -> Columns:
        """Decode a batch. Raises RegistryAwayError, and then nothing of the batch counts as seen."""
        rows: list[int] = []
        times: list[int] = []
        numbers: list[list[float]] = []
        rejected: list[Rejected] = []
        for row, value in enumerate(values):
            try:
                time_ms, record_numbers = self._decode_one(value)
            except RejectedValueError as error:
                rejected.append(Rejected(row, error.error, error.reason))
                continue
            rows.append(row)
            times.append(time_ms)
            numbers.append(record_numbers)
        shape = (len(rows), len(self._metrics))
        matrix = np.asarray(numbers, dtype=np.float64).reshape(shape)
        return Columns(np.asarray(rows, np.int64), np.asarray(times, np.int64), matrix, rejected)

    def _decode_one(self, value: bytes | None) -> tuple[int, list[float]]:
        if value is None:
            raise RejectedValueError(DecodeError.NO_VALUE, "the record has no value")
        schema_id, stream = unframe(value)
        try:
            schema = self._records.schema(schema_id)
        except UnknownSchemaError as error:
            raise RejectedValueError(DecodeError.UNKNOWN_SCHEMA, str(error)) from None
        if unfit := self._why_unfit(schema_id, schema):
            raise RejectedValueError(DecodeError.UNFIT_SCHEMA, unfit)
        return self._numbers(self._records.body(schema, stream))

    def _numbers(self, record: dict[str, Any]) -> tuple[int, list[float]]:
        for name in (*self._metrics, TIMESTAMP):
            number = record[name]
            if number is None or not math.isfinite(number):
                raise RejectedValueError(DecodeError.NOT_FINITE, f"{name} is {number}")
        return int(record[TIMESTAMP]), [float(record[name]) for name in self._metrics]

    def _why_unfit(self, schema_id: int, schema: Any) -> str:
        """Empty for a schema that has all that is needed; the answer is worked out once for each schema id."""
        if schema_id not in self._unfit:
            self._unfit[schema_id] = _why_unfit(schema, (*self._metrics, TIMESTAMP))
        known = self._unfit[schema_id]
        return f"schema {schema_id} {known}" if known else ""


def _why_unfit(schema: Any, needed: Sequence[str]) -> str:
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if fields is None:
        return "is no record"
    types = {field["name"]: field["type"] for field in fields}
    for name in needed:
        if name not in types:
            return f"has no field {name!r}"
        if not _is_number(types[name]):
            return f"has a field {name!r} that is no number"
    return ""


def _is_number(avro_type: Any) -> bool:
    if isinstance(avro_type, list):  # a union: a number, or null
        branches = [branch for branch in avro_type if branch != "null"]
        return bool(branches) and all(_is_number(branch) for branch in branches)
    if isinstance(avro_type, dict):
        return "logicalType" not in avro_type and avro_type.get("type") in _NUMERIC
    return avro_type in _NUMERIC
