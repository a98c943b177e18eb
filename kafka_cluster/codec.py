"""Confluent-framed Avro to columns and back.

A framed value is a zero byte, the schema id as four bytes big-endian, and the Avro body. Whatever is wrong with
one value is told about that value alone; its neighbours decode as if it were not there.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from json import JSONDecodeError
from typing import Any, cast

import fastavro
import numpy as np

from kafka_cluster import strict
from kafka_cluster.avro import AvroType, SchemaError, parse
from kafka_cluster.batch import NO_VALUE, Batch, Decoded
from kafka_cluster.evolution import Evolution, registered
from kafka_cluster.faults import Fault, Flaw
from kafka_cluster.kernel import NOT_FRAMED, Float64s, Int64s
from kafka_cluster.paths import Path, path_for
from kafka_cluster.reader import Reader, UnfitError
from kafka_cluster.registry import Registry, UnknownSchemaError
from kafka_cluster.schemas import AvroSchema, metric_schema

MAGIC = 0
HEADER = struct.Struct(">BI")


class DecodeError(StrEnum):
    """Why a value was rejected: the class of error that a dead letter carries."""

    NO_VALUE = "no-value"  # a tombstone
    NOT_FRAMED = "not-framed"  # too short, or the first byte is not zero
    UNKNOWN_SCHEMA = "unknown-schema"  # the registry does not know the id
    UNFIT_SCHEMA = "unfit-schema"  # no Avro record, or a field that is needed is missing from it or is no number
    UNDECODABLE = "undecodable"  # the body ends early, or holds what the schema does not allow (faults.Fault)
    TRAILING_BYTES = "trailing-bytes"  # the body is longer than the record
    NOT_FINITE = "not-finite"  # a metric is null, NaN or infinite, or the timestamp is null


_ERRORS = {  # of the faults that are not UNDECODABLE
    Fault.TRAILING: DecodeError.TRAILING_BYTES,
    Fault.NULL: DecodeError.NOT_FINITE,
    Fault.NAN: DecodeError.NOT_FINITE,
    Fault.INFINITE: DecodeError.NOT_FINITE,
}


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
    kept: dict[str, list[str | bytes | None]] = field(default_factory=dict)  # m each, one for each kept field


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
    """Turns framed values of any record schema in the registry into dicts.

    A body is rejected exactly when `strict.check` finds a flaw in it, as with MetricDecoder. Logical types are left
    as the numbers and bytes that they annotate.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._parsed: dict[int, tuple[AvroType, Any]] = {}
        self._unfit: dict[int, str] = {}

    def decode(self, value: bytes) -> dict[str, Any]:
        """The record. Raises RejectedValueError for bytes that are not exactly one record of their schema.

        Raises UnknownSchemaError, RegistryAwayError.
        """
        schema_id, stream = unframe(value)
        writer, plain = self._schema(schema_id)
        body = value[HEADER.size :]
        if flaw := strict.check(writer, body):
            error = _ERRORS.get(flaw.fault, DecodeError.UNDECODABLE)
            raise RejectedValueError(error, flaw.text(tuple(writer.names), len(body)))
        return cast(dict[str, Any], fastavro.schemaless_reader(stream, plain, None))

    def _schema(self, schema_id: int) -> tuple[AvroType, Any]:
        """The writer schema, for the check and for fastavro; asked for once."""
        if schema_id not in self._parsed and schema_id not in self._unfit:
            try:
                self._parsed[schema_id] = parse(self._registry.schema(schema_id))
            except SchemaError as error:
                self._unfit[schema_id] = f"schema {schema_id} {error}"
            except JSONDecodeError:  # one of Protobuf, for example
                self._unfit[schema_id] = f"schema {schema_id} is no Avro schema, nor JSON"
            else:
                if self._parsed[schema_id][0].kind != "record":
                    self._unfit[schema_id] = f"schema {schema_id} is no record"
        if schema_id in self._unfit:
            raise RejectedValueError(DecodeError.UNFIT_SCHEMA, self._unfit[schema_id])
        return self._parsed[schema_id]


class MetricDecoder:
    """Turns batches of framed metric records into columns of `metrics`.

    With a `reader` schema the writers' fields resolve to the reader's as Avro's rules say: aliases, defaults,
    promotions. Without one each metric is any number, and the timestamp a long or an instant; with a `subject` the
    aliases and defaults are those of its versions in the registry, looked up again when a schema id appears that is
    new, or one that did not fit. Of timestamps with a logical type the column has the milliseconds; a plain one is in
    milliseconds. `keep` names further fields (strings, bytes, fixed, enums) to carry along.

    A value is rejected exactly when `strict.check` finds a flaw in its body, or a metric is not finite.
    """

    def __init__(
        self,
        registry: Registry,
        metrics: Sequence[str],
        reader: AvroSchema | None = None,
        keep: Sequence[str] = (),
        subject: str | None = None,
    ) -> None:
        self._registry, self._subject = registry, subject
        self._known: Evolution = {}
        self._metrics, self._keep = tuple(metrics), tuple(keep)
        self._reader = Reader(self._metrics, reader, self._keep)
        self._paths: dict[int, Path] = {}
        self._unfit: dict[int, str] = {}

    def warm(self) -> None:
        """Compile or load the kernel, which takes seconds or a moment; do it before the first record."""
        path = path_for(metric_schema(()), Reader(()))
        batch = Batch.of([bytes(HEADER.size + 1)])
        for _, rows in batch.groups():
            path.decode(batch, rows, Decoded.empty(1, 0, 0))

    def decode(self, values: Sequence[bytes | None]) -> Columns:
        """Decode a batch. Raises RegistryAwayError, and then nothing of the batch counts as seen."""
        batch = Batch.of(values)
        out = Decoded.empty(len(batch), len(self._metrics), len(self._keep))
        rejected: list[Rejected] = []
        for schema_id, rows in batch.groups():
            rejected += self._decode_group(batch, schema_id, rows, out)
        if not rejected:
            kept = dict(zip(self._keep, out.kept, strict=True))
            return Columns(np.arange(len(batch), dtype=np.int64), out.times_ms, out.values, [], kept)
        rejected.sort(key=lambda one: one.row)
        rows = np.delete(np.arange(len(batch), dtype=np.int64), [one.row for one in rejected])
        lists = ([column[row] for row in rows.tolist()] for column in out.kept)
        kept = dict(zip(self._keep, lists, strict=True))
        return Columns(rows, out.times_ms[rows], out.values[rows], rejected, kept)

    def _decode_group(self, batch: Batch, schema_id: int, rows: Int64s, out: Decoded) -> list[Rejected]:
        """Fill the rows of one schema id; returns those that cannot be."""
        try:
            if schema_id == NOT_FRAMED:
                return [_unframed(batch, row) for row in rows.tolist()]
            path = self._path(schema_id)
        except RejectedValueError as error:
            return [Rejected(row, error.error, error.reason) for row in rows.tolist()]
        if not path.decode(batch, rows, out):
            return []
        flawed = rows[out.flaws[rows, 0] != 0].tolist()
        return [_rejected(batch, row, out.flaws[row].tolist(), path.names) for row in flawed]

    def _path(self, schema_id: int) -> Path:
        """How to decode that id, worked out once. Raises RejectedValueError, RegistryAwayError."""
        if schema_id == NO_VALUE:
            raise RejectedValueError(DecodeError.NO_VALUE, "the record has no value")
        if schema_id not in self._paths and (self._subject is not None or schema_id not in self._unfit):
            try:
                schema = self._registry.schema(schema_id)
                self._look_up_evolution()
                self._paths[schema_id] = path_for(schema, self._reader)
            except UnknownSchemaError as error:
                raise RejectedValueError(DecodeError.UNKNOWN_SCHEMA, str(error)) from None
            except (SchemaError, UnfitError) as error:
                self._unfit[schema_id] = f"schema {schema_id} {error}"
            except JSONDecodeError:  # one of Protobuf, for example
                self._unfit[schema_id] = f"schema {schema_id} is no Avro schema, nor JSON"
        if schema_id in self._unfit:
            raise RejectedValueError(DecodeError.UNFIT_SCHEMA, self._unfit[schema_id])
        return self._paths[schema_id]

    def _look_up_evolution(self) -> None:
        """Follow what is registered by now; ids that were seen before are then read anew. Raises RegistryAwayError."""
        if self._subject is None:
            return
        known = registered(self._registry, self._subject, self._metrics, self._keep)
        if known != self._known:
            self._known, self._reader = known, Reader(self._metrics, None, self._keep, known)
            self._paths.clear()
            self._unfit.clear()


def _unframed(batch: Batch, row: int) -> Rejected:
    value = batch.joined[batch.offsets[row] : batch.offsets[row + 1]]
    try:
        unframe(value)
    except RejectedValueError as error:
        return Rejected(row, error.error, error.reason)
    raise AssertionError(f"row {row} is framed")


def _rejected(batch: Batch, row: int, flaw: list[int], names: tuple[str, ...]) -> Rejected:
    fault, step, position = flaw
    error = _ERRORS.get(Fault(fault), DecodeError.UNDECODABLE)
    return Rejected(row, error, Flaw(Fault(fault), step, position).text(names, len(batch.body(row))))
