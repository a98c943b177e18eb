from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_cluster.errors import LabError
from producer.catalogue import load as load_catalogue
from producer.merge import Grid, Merged, grid, merge
from producer.series import Series, instant, read

MINUTE = 60_000
NAB = Path(__file__).resolve().parents[4] / "shared" / "nab" / "data"


def series(name: str, samples: dict[int, float]) -> Series:
    """A series from minutes and values."""
    times = sorted(samples)
    return Series(
        name,
        np.array([minute * MINUTE for minute in times], dtype=np.int64),
        np.array([samples[minute] for minute in times], dtype=np.float64),
    )


def every(name: str, step: int, start: int, count: int) -> Series:
    return series(name, {start + step * i: float(i) for i in range(count)})


def by_hand(
    given_series: dict[str, Series], filled: tuple[str, ...], after: int | None = None, before: int | None = None
) -> dict[int, list[float]]:
    """What merging means, instant by instant."""
    start = max(int(its.times_ms[0]) for its in given_series.values())
    end = min(int(its.times_ms[-1]) for its in given_series.values())
    start = max([start] if after is None else [start, after])
    end = min([end] if before is None else [end, before])
    rows: dict[int, list[float]] = {}
    for at in sorted({int(time) for its in given_series.values() for time in its.times_ms}):
        row = [
            value for name, its in given_series.items() if (value := value_at(its, at, fill=name in filled)) is not None
        ]
        if start < at < end and len(row) == len(given_series):
            rows[at] = row
    return rows


def value_at(its: Series, at: int, *, fill: bool) -> float | None:
    known = [
        float(value) for time, value in zip(its.times_ms, its.values, strict=True) if time == at or (fill and time < at)
    ]
    return known[-1] if known else None


def rows_of(merged: Merged) -> dict[int, list[float]]:
    return {int(at): row for at, row in zip(merged.times_ms, merged.values.tolist(), strict=True)}


samples = st.dictionaries(st.integers(0, 40), st.floats(-1e9, 1e9), min_size=2, max_size=30)
some_series = st.lists(samples, min_size=1, max_size=4).map(
    lambda many: {f"m{i}": series(f"m{i}", one) for i, one in enumerate(many)}
)
cut = st.none() | st.integers(0, 40)


@given(some_series, st.data(), cut, cut)
def test_merging_equals_a_row_by_row_reference(
    given_series: dict[str, Series], data: st.DataObject, after: int | None, before: int | None
) -> None:
    fill = data.draw(st.none() | st.sets(st.sampled_from(list(given_series))))
    after_ms = None if after is None else after * MINUTE
    before_ms = None if before is None else before * MINUTE
    filled = tuple(fill) if fill is not None else off_the_lead_grid(given_series)
    expected = by_hand(given_series, filled, after_ms, before_ms)
    if not expected:
        with pytest.raises(LabError, match=r"m0 1970-01-01 \d\d:\d\d:\d\d to 1970"):
            merge(given_series, after_ms=after_ms, before_ms=before_ms, fill=fill)
        return
    merged = merge(given_series, after_ms=after_ms, before_ms=before_ms, fill=fill)
    assert rows_of(merged) == expected
    assert merged.names == tuple(given_series)
    assert set(merged.filled) == set(filled)


def off_the_lead_grid(given_series: dict[str, Series]) -> tuple[str, ...]:
    grids = {name: grid(its) for name, its in given_series.items()}
    least = min(its.step_ms for its in grids.values())
    counts = Counter(its for its in grids.values() if its.step_ms == least)
    lead = max(counts, key=lambda its: counts[its])  # max keeps the first of equals
    return tuple(name for name, its in grids.items() if its != lead)


@given(some_series, st.integers(0, 40), st.floats(-1e9, 1e9))
def test_a_row_never_depends_on_samples_after_it(given_series: dict[str, Series], now: int, other: float) -> None:
    changed = {
        name: Series(name, its.times_ms, np.where(its.times_ms > now * MINUTE, other, its.values))
        for name, its in given_series.items()
    }
    try:
        before, after = rows_of(merge(given_series)), rows_of(merge(changed))
    except LabError:
        return  # nothing overlaps: nothing to look at
    assert {at: row for at, row in before.items() if at <= now * MINUTE} == {
        at: row for at, row in after.items() if at <= now * MINUTE
    }


def test_the_grid_is_the_median_step_and_the_most_common_phase() -> None:
    assert grid(every("a", 5, 4, 10)) == Grid(5 * MINUTE, 4 * MINUTE)
    gap = series("a", dict.fromkeys([4, 9, 14, 29, 34, 39], 0.0))
    assert grid(gap) == Grid(5 * MINUTE, 4 * MINUTE)
    late_start = series("a", dict.fromkeys([5, 9, 14, 19, 24, 29], 0.0))
    assert grid(late_start) == Grid(5 * MINUTE, 4 * MINUTE)


def test_the_finest_grid_leads_and_coarser_series_are_filled_forward() -> None:
    merged = merge({"slow": every("slow", 15, 0, 5), "fast": every("fast", 5, 0, 13)})
    assert merged.filled == ("slow",)
    assert rows_of(merged)[35 * MINUTE] == [2.0, 7.0]
    assert len(merged.times_ms) == 11


def test_among_equal_steps_the_grid_that_most_series_share_leads() -> None:
    merged = merge({"a": every("a", 5, 0, 9), "b": every("b", 5, 2, 9), "c": every("c", 5, 2, 9)})
    assert merged.filled == ("a",)


def test_a_tie_goes_to_the_series_named_first() -> None:
    a, b = every("a", 5, 0, 9), every("b", 5, 2, 9)
    assert merge({"a": a, "b": b}).filled == ("b",)
    assert merge({"b": b, "a": a}).filled == ("a",)


def test_a_gap_on_the_lead_grid_drops_the_row_and_one_off_it_does_not() -> None:
    lead, other = every("lead", 5, 0, 9), every("other", 5, 2, 9)
    gap = Series("lead", np.delete(lead.times_ms, 4), np.delete(lead.values, 4))
    assert 20 * MINUTE not in rows_of(merge({"lead": gap, "other": other}))
    hole = Series("other", np.delete(other.times_ms, 3), np.delete(other.values, 3))
    assert rows_of(merge({"lead": lead, "other": hole}))[20 * MINUTE] == [4.0, 2.0]


def test_the_overlap_leaves_out_its_two_ends() -> None:
    merged = merge({"a": every("a", 5, 0, 9), "b": every("b", 5, 10, 9)})
    assert merged.overlap_ms == (10 * MINUTE, 40 * MINUTE)
    assert merged.times_ms.tolist() == [minute * MINUTE for minute in (15, 20, 25, 30, 35)]


def test_limits_cut_strictly_and_never_widen_the_overlap() -> None:
    one = {"a": every("a", 5, 0, 9)}
    cut_rows = merge(one, after_ms=10 * MINUTE, before_ms=25 * MINUTE)
    assert cut_rows.times_ms.tolist() == [15 * MINUTE, 20 * MINUTE]
    assert merge(one, after_ms=-5, before_ms=10**12).overlap_ms == (0, 40 * MINUTE)


def test_series_without_a_common_span_are_each_named_with_theirs() -> None:
    with pytest.raises(LabError, match=r"a 1970-01-01 00:00:00 to .*00:40:00, b 1970-01-01 01:40:00"):
        merge({"a": every("a", 5, 0, 9), "b": every("b", 5, 100, 9)})


def test_filling_an_unknown_series_is_refused() -> None:
    with pytest.raises(LabError, match="no series nope; there are a"):
        merge({"a": every("a", 5, 0, 9)}, fill=["nope"])


@pytest.mark.skipif(not NAB.is_dir(), reason="needs the real series: no shared/nab beside the checkout")
def test_the_three_real_series_give_1897_rows_with_nothing_typed_in() -> None:
    chosen = load_catalogue().chosen()
    merged = merge({choice.name: read(NAB / entry.path) for choice, entry in chosen})
    assert len(merged.times_ms) == 1897
    assert instant(int(merged.times_ms[0])) == "2014-04-10 00:09:00"
    assert instant(int(merged.times_ms[-1])) == "2014-04-16 14:19:00"
    assert merged.names == ("network", "disk", "cpu")
    assert merged.filled == ("disk",)
