"""Any set of series into one wide record per instant.

Outer join on time, slower series filled forward, incomplete rows dropped, the overlap found rather than typed in.

A series' grid is its step (the median distance of its samples) and its phase (the most common instant modulo the
step). The lead grid has the smallest step; among equal steps it is the one that most series share, and then the one
of the series named first. A series on the lead grid must have a sample at an instant, or the row is incomplete and
dropped; every other series is filled forward with its latest sample at or before the instant, never a later one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kafka_cluster.errors import LabError
from producer.series import Series, instant


@dataclass(frozen=True, eq=False)
class Merged:
    """One row per instant, one column per series, in the order the series were given.

    `times_ms` is int64, shape (n,), milliseconds since the epoch, strictly ascending; `values` is float64, shape
    (n, d), finite; `filled` names the series that were filled forward. Every instant lies strictly between the two
    ends of `overlap_ms`.
    """

    names: tuple[str, ...]
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    filled: tuple[str, ...]
    overlap_ms: tuple[int, int]


@dataclass(frozen=True)
class Grid:
    """Where a series has its samples: every `step_ms`, at instants that are `phase_ms` modulo the step."""

    step_ms: int
    phase_ms: int


def merge(
    series: Mapping[str, Series],
    *,
    after_ms: int | None = None,
    before_ms: int | None = None,
    fill: Collection[str] | None = None,
) -> Merged:
    """Merge the series; the mapping's keys become the columns.

    `after_ms` and `before_ms` cut strictly further than the overlap does. `fill` names the series to fill forward
    instead of those off the lead grid; an empty one fills none. Raises LabError when there is no complete row.
    """
    overlap = _overlap(series, after_ms, before_ms)
    filled = _filled(series, fill)
    wide = pd.concat(
        {name: pd.Series(one.values, index=one.times_ms) for name, one in series.items()}, axis="columns"
    ).sort_index()
    wide[list(filled)] = wide[list(filled)].ffill()
    times_ms = wide.index.to_numpy(dtype=np.int64)
    rows = wide[(times_ms > overlap[0]) & (times_ms < overlap[1])].dropna()
    if rows.empty:
        raise _no_rows(series, "no instant where every series has a value")
    return Merged(
        tuple(series),
        rows.index.to_numpy(dtype=np.int64),
        rows.to_numpy(dtype=np.float64),
        filled,
        overlap,
    )


def grid(series: Series) -> Grid:
    """The grid of a series; one with a single sample has the widest step there is."""
    steps = np.diff(series.times_ms)
    step = int(np.median(steps)) if steps.size else np.iinfo(np.int64).max
    phases, counts = np.unique(series.times_ms % step, return_counts=True)
    return Grid(step, int(phases[np.argmax(counts)]))


def _overlap(series: Mapping[str, Series], after_ms: int | None, before_ms: int | None) -> tuple[int, int]:
    """The open interval between the latest first and the earliest last instant.

    Open, because a sample at the edge of a series sums up a period that the recording cut short.
    """
    if not series:
        raise LabError("merge", "no series given", "name at least one")
    start = max(int(one.times_ms[0]) for one in series.values())
    end = min(int(one.times_ms[-1]) for one in series.values())
    if start >= end:
        raise _no_rows(series, "the series share no span of time")
    start = start if after_ms is None else max(start, after_ms)
    end = end if before_ms is None else min(end, before_ms)
    if start >= end:
        raise _no_rows(series, f"nothing lies between {instant(start)} and {instant(end)}, as asked for")
    return start, end


def _filled(series: Mapping[str, Series], fill: Collection[str] | None) -> tuple[str, ...]:
    if fill is None:
        grids = {name: grid(one) for name, one in series.items()}
        lead = _lead(list(grids.values()))
        return tuple(name for name, its in grids.items() if its != lead)
    unknown = sorted(set(fill) - set(series))
    if unknown:
        raise LabError("fill", f"no series {', '.join(unknown)}", f"there are {', '.join(series)}")
    return tuple(name for name in series if name in fill)


def _lead(grids: list[Grid]) -> Grid:
    step_ms = min(its.step_ms for its in grids)
    finest = Counter(its for its in grids if its.step_ms == step_ms)
    return finest.most_common(1)[0][0]  # equal counts stay in the order of first sight


def _no_rows(series: Mapping[str, Series], reason: str) -> LabError:
    spans = ", ".join(
        f"{name} {instant(int(one.times_ms[0]))} to {instant(int(one.times_ms[-1]))}" for name, one in series.items()
    )
    return LabError("merge", f"{reason} ({spans})", "choose series or limits that share a span of time")
