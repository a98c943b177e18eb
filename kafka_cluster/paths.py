"""The two ways from a body to its row: the kernel for flat records, fastavro for all others. They agree."""

from __future__ import annotations

import io
import math
from typing import Any, Protocol, cast

import fastavro
import numpy as np

from kafka_cluster import kernel, strict
from kafka_cluster.avro import AvroType, parse
from kafka_cluster.batch import Batch, Decoded
from kafka_cluster.faults import Fault, Flaw
from kafka_cluster.kernel import Int64s
from kafka_cluster.plan import TooRichError, compile_plan
from kafka_cluster.reader import TIME, Reader, Target


class Path(Protocol):
    """Decodes the values of one schema id."""

    names: tuple[str, ...]  # of the steps that flaws speak of

    def decode(self, batch: Batch, rows: Int64s, out: Decoded) -> bool:
        """Fill the rows of `out`; True if one of them is flawed."""


def path_for(schema: Any, reader: Reader) -> Path:
    """The faster path that can decode what was written with `schema`. Raises SchemaError, UnfitError."""
    writer, plain = parse(schema)
    try:
        return FastPath(writer, reader)
    except TooRichError:
        return SlowPath(writer, plain, reader)


class FastPath:
    """All rows in one call of the kernel."""

    def __init__(self, writer: AvroType, reader: Reader) -> None:
        self._plan = compile_plan(writer, reader)
        self.names = self._plan.names
        absent = reader.bind(writer)[1]
        self._kept = [
            (target, target.default if target in absent else None) for target in reader.targets if target.kept
        ]

    def decode(self, batch: Batch, rows: Int64s, out: Decoded) -> bool:
        """Fill the rows of `out`; True if one of them is flawed."""
        spans = np.empty((len(batch), len(self._kept), 3), np.int64)
        plan, data, offsets = self._plan, batch.data, batch.offsets
        flawed = kernel.decode(data, offsets, rows, plan.table, plan.steps, out.times_ms, out.values, spans, out.flaws)
        for target, null in self._kept:
            column, types = out.kept[target.column], plan.types
            for row in rows[out.flaws[rows, 0] == 0].tolist():
                line, start, stop = spans[row, target.column].tolist()
                column[row] = null if line < 0 else _kept(types[line], batch.joined, start, stop)
        return flawed > 0


def _kept(written: AvroType, joined: bytes, start: int, stop: int) -> str | bytes:
    if written.kind == "enum":
        return written.symbols[start]
    return joined[start:stop].decode() if written.kind == "string" else joined[start:stop]


class SlowPath:
    """One row at a time: checked strictly, then read by fastavro."""

    def __init__(self, writer: AvroType, plain: Any, reader: Reader) -> None:
        bound, absent = reader.bind(writer)
        self.names = (*writer.names, *(target.name for target in absent))
        self._writer, self._plain = writer, plain
        steps = zip((*bound, *absent), self.names, strict=True)
        self._wanted = [(step, name, target) for step, (target, name) in enumerate(steps) if target]
        self._absent = {target.name: target.default for target in absent}
        self._scales = {name: _scale(target, writer, name) for _, name, target in self._wanted}

    def decode(self, batch: Batch, rows: Int64s, out: Decoded) -> bool:
        """Fill the rows of `out`; True if one of them is flawed."""
        flaws = [self._decode_one(batch.body(row), row, out) for row in rows.tolist()]
        for row, flaw in zip(rows, flaws, strict=True):
            out.flaws[row] = (flaw.fault, flaw.step, flaw.position) if flaw else 0
        return any(flaws)

    def _decode_one(self, body: bytes, row: int, out: Decoded) -> Flaw | None:
        if flaw := strict.check(self._writer, body):
            return flaw
        record = cast(dict[str, Any], fastavro.schemaless_reader(io.BytesIO(body), self._plain, None))
        for step, name, target in self._wanted:
            fault = self._put(record[name] if name in record else self._absent[name], target, name, row, out)
            if fault is not Fault.NONE:
                return Flaw(fault, step, 0)
        return None

    def _put(self, value: Any, target: Target, name: str, row: int, out: Decoded) -> Fault:
        if target.kept:
            out.kept[target.column][row] = value
            return Fault.NONE
        if value is None:
            return Fault.NULL
        if target.column == TIME:
            out.times_ms[row] = value // self._scales[name]
            return Fault.NONE
        number = float(np.float32(np.int64(value))) if self._scales[name] and isinstance(value, int) else float(value)
        out.values[row, target.column] = number
        if math.isfinite(number):
            return Fault.NONE
        return Fault.NAN if math.isnan(number) else Fault.INFINITE


def _scale(target: Target, writer: AvroType, name: str) -> int:
    """The scale of a target's field; 1 for a default, which is in the column's unit already."""
    if target.kept or name not in writer.names:
        return 1
    written = writer.parts[writer.names.index(name)]
    branches = written.parts if written.kind == "union" else [written]
    return max(target.scale(branch) for branch in branches if branch.kind != "null")
