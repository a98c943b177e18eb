"""A decode plan: the writer's record as rows of small integers that the kernel walks through.

Row i of the table says what to do with the writer's field i; after the fields come the reader's defaults, then the
branches of unions, which only unions lead to.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from kafka_cluster.avro import AvroType
from kafka_cluster.reader import TIME, Reader, Target

SKIP = -1
KEPT = -3  # the column of the first kept field; the k-th after it has KEPT - k


class Op(IntEnum):
    """What a row of the table does."""

    NULL = 0
    BOOLEAN = 1
    INT = 2
    LONG = 3
    FLOAT = 4
    DOUBLE = 5
    ENUM = 6  # argument: number of symbols
    STRING = 7
    BYTES = 8
    FIXED = 9  # argument: size
    UNION = 10  # argument: first row of its branches; scale: how many
    DEFAULT = 11  # argument: the bits of the float64, or the milliseconds


class TooRichError(Exception):
    """The record holds what the kernel does not know: arrays, maps, records."""


@dataclass(frozen=True)
class Plan:
    """The table has shape (rows, 4): operation, argument, column (TIME, SKIP, or one of the metrics), scale.

    Those of kept fields count down from KEPT.
    """

    table: npt.NDArray[np.int64]
    steps: int  # the rows to walk through in order: fields and defaults
    names: tuple[str, ...]  # of the steps
    types: tuple[AvroType, ...]  # of the rows


class _Table:
    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int]] = []
        self.types: list[AvroType] = []

    def add(self, written: AvroType, target: Target | None) -> None:
        self.types.append(written)
        if written.kind == "union":
            self.rows.append((Op.UNION, 0, SKIP, len(written.parts)))
            return
        scale = target.scale(written) if target and not target.kept and written.kind != "null" else 0
        argument = len(written.symbols) if written.kind == "enum" else written.size
        self.rows.append((_op(written), argument, column(target), scale))


def compile_plan(writer: AvroType, reader: Reader) -> Plan:
    """The plan for a flat writer. Raises UnfitError, TooRichError."""
    bound, absent = reader.bind(writer)
    table = _Table()
    for written, target in zip(writer.parts, bound, strict=True):
        table.add(written, target)
    for target in absent:
        table.types.append(AvroType("null"))
        table.rows.append(_default_row(target))
    for step, (written, target) in enumerate(zip(writer.parts, bound, strict=True)):
        if written.kind == "union":
            table.rows[step] = (Op.UNION, len(table.rows), SKIP, len(written.parts))
            for branch in written.parts:
                table.add(branch, target)
    names = (*writer.names, *(target.name for target in absent))
    rows = np.array(table.rows, np.int64).reshape(-1, 4)
    return Plan(rows, len(names), names, tuple(table.types))


def column(target: Target | None) -> int:
    """Where the table says a target goes."""
    if target is None:
        return SKIP
    return KEPT - target.column if target.kept else target.column


def _op(written: AvroType) -> Op:
    try:
        return Op[written.kind.upper()]
    except KeyError:
        raise TooRichError(written.kind) from None


def _default_row(target: Target) -> tuple[int, int, int, int]:
    if target.default is None or target.kept:  # the kept ones take theirs later
        return (Op.NULL, 0, column(target), 0)
    if target.column == TIME:
        return (Op.DEFAULT, target.default, TIME, 0)
    (bits,) = struct.unpack("<q", struct.pack("<d", target.default))
    return (Op.DEFAULT, bits, target.column, 0)
