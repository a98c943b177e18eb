"""Columns to framed Avro values: for flat records of numbers what fastavro would write, at a hundred times its rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from kafka_cluster import write_kernel
from kafka_cluster.avro import AvroType, parse
from kafka_cluster.plan import Op
from kafka_cluster.schemas import AvroSchema
from kafka_cluster.write_kernel import HEADER_SIZE, Bools, Bytes, Int64s

Column = npt.NDArray[Any]
_LONGEST = {Op.BOOLEAN: 1, Op.INT: 5, Op.LONG: 10, Op.FLOAT: 4, Op.DOUBLE: 8}  # bytes
_REAL = {Op.FLOAT, Op.DOUBLE}
_BRANCH_SIZE = 1
_INT_LIMIT = 1 << 31


@dataclass(frozen=True)
class Encoded:
    """n framed values, end to end: value r is `data[offsets[r]:offsets[r + 1]]`."""

    data: Bytes
    offsets: Int64s

    def values(self) -> list[bytes]:
        """One bytes object each."""
        data, edges = self.data.tobytes(), self.offsets.tolist()
        return [data[a:b] for a, b in pairwise(edges)]


@dataclass(frozen=True)
class _Field:
    name: str
    op: Op
    value_branch: int = -1
    null_branch: int = -1


class ColumnEncoder:
    """For records whose fields are booleans, ints, longs, floats and doubles, or a union of one of these and null."""

    def __init__(self, schema: AvroSchema, schema_id: int) -> None:
        """Raises ValueError for a schema with fields of other kinds."""
        record = parse(schema)[0]
        if record.kind != "record":
            raise ValueError("the schema is no record")
        self._fields = [_field(name, part) for name, part in zip(record.names, record.parts, strict=True)]
        self._schema_id = schema_id
        self._longest = HEADER_SIZE + sum(_LONGEST[field.op] + _BRANCH_SIZE for field in self._fields)
        self._table = np.zeros((len(self._fields), 5), np.int64)
        counts = {True: 0, False: 0}
        masks = 0
        for row, field in enumerate(self._fields):
            real = field.op in _REAL
            self._table[row] = (field.op, counts[real], masks, field.value_branch, field.null_branch)
            counts[real] += 1
            masks += field.value_branch >= 0

    def encode(self, columns: Mapping[str, Column | None], missing: Mapping[str, Bools] | None = None) -> Encoded:
        """Encode n records, one array of shape (n,) a field.

        Where `missing[name]` is true a nullable field is null; None for a column makes it null everywhere. Raises
        ValueError for a field that is not given, of another length, or with a value that its type cannot hold.
        """
        n = next((len(column) for column in columns.values() if column is not None), 0)
        masks = {name: mask for name, mask in (missing or {}).items() if columns.get(name) is not None}
        wholes = [self._whole(field, columns, n) for field in self._fields if field.op not in _REAL]
        reals = [self._real(field, columns, n) for field in self._fields if field.op in _REAL]
        nulls = [_nulls(field, columns, masks, n) for field in self._fields if field.value_branch >= 0]
        out, offsets = np.empty(n * self._longest, np.uint8), np.zeros(n + 1, np.int64)
        write_kernel.encode(
            self._table,
            self._schema_id,
            _rows(wholes, n, np.int64),
            _rows(reals, n, np.float64),
            _rows(nulls, n, np.bool_),
            out,
            offsets,
        )
        return Encoded(out[: offsets[-1]], offsets)

    def warm(self) -> None:
        """Compile or load the kernel, before the first record."""
        self.encode({field.name: np.zeros(1) for field in self._fields})

    def _whole(self, field: _Field, columns: Mapping[str, Column | None], n: int) -> Column:
        column = _column(field, columns, n)
        if column.dtype.kind == "f" and (column != np.trunc(column)).any():
            raise ValueError(f"field {field.name!r} holds numbers that are not whole")
        if field.op is not Op.LONG and len(column):
            low, high = (0, 1) if field.op is Op.BOOLEAN else (-_INT_LIMIT, _INT_LIMIT - 1)
            if column.min() < low or column.max() > high:
                raise ValueError(f"field {field.name!r} holds numbers outside {low} to {high}")
        return column

    def _real(self, field: _Field, columns: Mapping[str, Column | None], n: int) -> Column:
        column = _column(field, columns, n)
        largest = np.finfo(np.float32).max
        if field.op is Op.FLOAT and (np.isfinite(column) & (np.abs(column) > largest)).any():
            raise ValueError(f"field {field.name!r} holds numbers too large for a float")
        return column


def _field(name: str, part: AvroType) -> _Field:
    kinds = [branch.kind for branch in part.parts] if part.kind == "union" else [part.kind]
    numbers = [kind for kind in kinds if kind.upper() in Op.__members__ and Op[kind.upper()] in _LONGEST]
    if len(numbers) != 1 or (part.kind == "union" and sorted(kinds) != sorted([*numbers, "null"])):
        raise ValueError(f"field {name!r} is no number, nor a number or null")
    op = Op[numbers[0].upper()]
    return _Field(name, op, kinds.index(numbers[0]), kinds.index("null")) if part.kind == "union" else _Field(name, op)


def _column(field: _Field, columns: Mapping[str, Column | None], n: int) -> Column:
    column = columns.get(field.name)
    if column is None:
        if field.name not in columns or field.value_branch < 0:
            raise ValueError(f"field {field.name!r} is not given")
        return np.zeros(n, np.int64)
    if column.shape != (n,):
        raise ValueError(f"field {field.name!r} has shape {column.shape}, others {(n,)}")
    return column


def _nulls(field: _Field, columns: Mapping[str, Column | None], masks: Mapping[str, Bools], n: int) -> Bools:
    if columns[field.name] is None:
        return np.ones(n, np.bool_)
    return masks.get(field.name, np.zeros(n, np.bool_))


def _rows(columns: list[Any], n: int, kind: Any) -> Any:
    """Shape (len(columns), n), and at least one row, so that the kernel has something to look at."""
    made = np.zeros((max(1, len(columns)), n), kind)
    for row, column in enumerate(columns):
        made[row] = column
    return made
