"""One series from a CSV file in NAB's layout, checked before anything is sent.

The layout: a header `timestamp,value`, then one sample a line, `2014-04-10 00:04:00,251643.0`. Instants are read
as UTC. There is no quoting. Blank lines are passed over. Whatever else is wrong is named with file and line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kafka_cluster.errors import LabError

HEADER = "timestamp,value"
SAMPLE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})"
    r" *, *"
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
)
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")

Duplicates = Literal["refuse", "first", "last", "mean"]


@dataclass(frozen=True, eq=False)
class Series:
    """A named series: instants in milliseconds since the epoch, strictly ascending, and finite values.

    `times_ms` is int64, shape (n,); `values` is float64, shape (n,); n >= 1.
    """

    name: str
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Samples:
    """What the file holds, in file order, with the line of each sample."""

    path: Path
    lines: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> _Samples:
        return _Samples(self.path, self.lines[index], self.times_ms[index], self.values[index])


def read(path: Path, *, name: str | None = None, duplicates: Duplicates = "refuse", sort: bool = False) -> Series:
    """Read and check one file. The name is the file's stem unless given.

    `duplicates` says what becomes of several samples at one instant: refuse the file, keep the first or the last in
    file order, or take their mean. `sort` puts samples in order of time instead of refusing a file that is not.
    Raises LabError, which names file, line, reason and way out.
    """
    samples = _parse(path)
    samples = _in_order(samples, sort=sort)
    samples = _one_an_instant(samples, duplicates)
    return Series(name or path.stem, samples.times_ms, samples.values)


def instant(time_ms: int) -> str:
    """The instant as the files write it, UTC."""
    return str(np.datetime64(time_ms, "ms").astype("datetime64[s]")).replace("T", " ")


def _parse(path: Path) -> _Samples:
    rows = [(line, text) for line, text in enumerate(_text_lines(path), start=1) if text]
    if not rows:
        raise LabError(str(path), "the file is empty", f"it should start with the header {HEADER!r}")
    header_line, header = rows[0]
    if header.replace(" ", "") != HEADER:
        raise _bad_line(path, header_line, f"the header is {_shown(header)}, not {HEADER!r}", "correct the header")
    if len(rows) == 1:
        raise LabError(str(path), "the file has a header and no samples", "fetch or export it again")
    matches = [SAMPLE.fullmatch(text) for _, text in rows[1:]]
    for (line, text), match in zip(rows[1:], matches, strict=True):
        if match is None:
            raise _bad_line(path, line, _what_is_wrong(text), "correct or remove the line")
    parts = [match.groups() for match in matches if match]
    lines = [line for line, _ in rows[1:]]
    return _Samples(
        path,
        np.array(lines, dtype=np.int64),
        _instants(path, lines, [stamp for stamp, _ in parts]),
        _numbers(path, lines, [number for _, number in parts]),
    )


def _text_lines(path: Path) -> list[str]:
    try:
        # utf-8-sig drops the byte order mark that spreadsheets write.
        with path.open(encoding="utf-8-sig") as file:
            return [line.strip() for line in file]
    except FileNotFoundError:
        raise LabError(str(path), "no such file", "`lab data list` shows what there is") from None
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(str(path), f"cannot be read as UTF-8 text ({error})", "is it a CSV file?") from None


def _instants(path: Path, lines: Sequence[int], stamps: Sequence[str]) -> NDArray[np.int64]:
    try:
        return np.array(stamps, dtype="datetime64[ms]").astype(np.int64)
    except ValueError:
        line, stamp = next(row for row in zip(lines, stamps, strict=True) if not _exists(row[1]))
        reason = f"{_shown(stamp)} is not a date and time of the calendar"
        raise _bad_line(path, line, reason, "correct or remove the line") from None


def _exists(stamp: str) -> bool:
    try:
        np.datetime64(stamp, "ms")
    except ValueError:
        return False
    return True


def _numbers(path: Path, lines: Sequence[int], numbers: Sequence[str]) -> NDArray[np.float64]:
    values = np.array(numbers, dtype=np.float64)
    for line, number in compress(zip(lines, numbers, strict=True), ~np.isfinite(values)):
        reason = f"the value {_shown(number)} is beyond what a double can hold"
        raise _bad_line(path, line, reason, "correct or remove the line")
    return values


def _what_is_wrong(text: str) -> str:
    fields = text.split(",")
    if len(fields) != len(HEADER.split(",")):
        return f"{_shown(text)} has {len(fields)} fields instead of 2 (timestamp,value)"
    stamp, value = (field.strip() for field in fields)
    if not INSTANT.fullmatch(stamp):
        return f"the timestamp {_shown(stamp)} is not of the form YYYY-MM-DD HH:MM:SS"
    try:
        finite = math.isfinite(float(value))
    except ValueError:
        finite = True
    return f"the value {_shown(value)} is not {'a number' if finite else 'finite'}"


def _in_order(samples: _Samples, *, sort: bool) -> _Samples:
    if sort:
        return samples.take(np.argsort(samples.times_ms, kind="stable"))
    back = np.flatnonzero(np.diff(samples.times_ms) < 0)
    if back.size:
        at = int(back[0])
        reason = (
            f"{instant(int(samples.times_ms[at + 1]))} comes after {instant(int(samples.times_ms[at]))}"
            " of the line before: the file is not in order of time"
        )
        raise _bad_line(
            samples.path, int(samples.lines[at + 1]), reason, "sort the file, or pass --sort (REPLAY_SORT=1)"
        )
    return samples


def _one_an_instant(samples: _Samples, duplicates: Duplicates) -> _Samples:
    fresh = np.append(True, np.diff(samples.times_ms) != 0)
    if fresh.all():
        return samples
    if duplicates == "refuse":
        raise _duplicate(samples, fresh)
    if duplicates == "first":
        return samples.take(fresh)
    if duplicates == "last":
        return samples.take(np.append(fresh[1:], True))
    starts = np.flatnonzero(fresh)
    counts = np.diff(np.append(starts, len(fresh)))
    kept = samples.take(fresh)
    means = np.add.reduceat(samples.values, starts) / counts
    return _Samples(kept.path, kept.lines, kept.times_ms, means)


def _duplicate(samples: _Samples, fresh: NDArray[np.bool_]) -> LabError:
    at = int(np.flatnonzero(~fresh)[0])
    repeats = int((~fresh).sum())
    reason = (
        f"{instant(int(samples.times_ms[at]))} is there already, at line {samples.lines[at - 1]}"
        f" ({repeats} repeated instant{'s' if repeats > 1 else ''} in the file)"
    )
    return _bad_line(
        samples.path,
        int(samples.lines[at]),
        reason,
        "say what to keep: --duplicates first, last or mean (REPLAY_DUPLICATES)",
    )


def _bad_line(path: Path, line: int, reason: str, way_out: str) -> LabError:
    return LabError(f"{path}:{line}", reason, way_out)


def _shown(text: str, most: int = 60) -> str:
    return repr(text if len(text) <= most else text[:most] + "…")
