from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detectors.day_shape import DAY, DAYS, HOUR_MS, HOURS, SHAPE, VISIT, is_known, mean_shape, note

START = 1_700_006_400_000  # midnight, UTC


def learned(times_ms: Any, values: Any) -> tuple[Any, Any]:
    visit, day = np.full(VISIT.shape, VISIT.fill), np.full(DAY.shape, DAY.fill)
    for time, value in zip(times_ms, values, strict=True):
        note(visit, day, int(time), float(value))
    return visit, day


def reference(hourly: Any) -> Any:
    """The shape by the text of the module, of hourly means from midnight on, the last of which is still open."""
    closed = hourly[:-1]
    over = np.full(len(closed), np.nan)
    for at in range(HOURS, len(closed)):
        over[at] = closed[at] - closed[at - HOURS + 1 : at + 1].mean()
    return np.array([np.nanmedian(over[hour::HOURS][-DAYS:]) for hour in range(HOURS)])


@pytest.mark.parametrize("days", [5, 12])
def test_the_shape_is_the_median_of_what_hours_lie_above_their_day(days: int) -> None:
    values = np.random.default_rng(1).normal(size=(days * HOURS, 5)) + np.arange(days * HOURS)[:, None]
    times = START + np.arange(values.size) * HOUR_MS // 5
    visit, day = learned(times, values.ravel())
    assert is_known(visit)
    assert day[SHAPE] == pytest.approx(reference(values.mean(axis=1)))


def test_a_line_is_no_part_of_the_shape() -> None:
    at = np.arange(24 * 20)
    season = 30 * np.sin(2 * np.pi * at / 24)
    flat, rising = (learned(START + at * HOUR_MS, season + slope * at)[1][SHAPE] for slope in (0.0, 3.0))
    assert rising - rising.mean() == pytest.approx(flat - flat.mean())


def test_one_strange_day_is_no_part_of_the_shape() -> None:
    at = np.arange(24 * 9)
    season = np.sin(2 * np.pi * at / 24)
    strange = season.copy()
    strange[5 * 24 + 7] = -500.0
    usual, its = (learned(START + at * HOUR_MS, each)[1][SHAPE] for each in (season, strange))
    assert its - its.mean() == pytest.approx(usual - usual.mean(), abs=0.3)


def test_it_is_known_after_four_days_and_begins_anew_when_a_clock_is_set_back() -> None:
    at = np.arange(24 * 5)
    for hours, known in ((96, False), (97, True)):
        assert is_known(learned(START + at[:hours] * HOUR_MS, at[:hours])[0]) == known
    back = np.concatenate([at, at[:10] - 24])
    visit, day = learned(START + back * HOUR_MS, back)
    assert not is_known(visit)
    assert np.isnan(day[SHAPE]).all()


def test_late_records_change_nothing() -> None:
    at = np.arange(24 * 5)
    late = np.insert(at, 60, at[55])
    values = np.insert(at.astype(float), 60, 1e9)
    assert learned(START + late * HOUR_MS, values)[1] == pytest.approx(
        learned(START + at * HOUR_MS, at)[1], nan_ok=True
    )


def test_the_mean_over_a_time_weighs_hours_by_how_long_they_are_in_it() -> None:
    day = np.full(DAY.shape, np.nan)
    day[SHAPE] = np.arange(HOURS)
    day[SHAPE, 3] = np.nan
    assert mean_shape(day, START, START) == 0
    assert mean_shape(day, START + 5.5 * HOUR_MS, START + 7 * HOUR_MS) == pytest.approx((0.5 * 5 + 6) / 1.5)
    assert mean_shape(day, START + 23 * HOUR_MS, START + 25 * HOUR_MS) == pytest.approx(11.5)
    assert mean_shape(day, START + 2 * HOUR_MS, START + 4 * HOUR_MS) == pytest.approx(1)  # an hour never seen: 0
    assert mean_shape(day, START, START + 10 * 24 * HOUR_MS) == pytest.approx((276 - 3) / 24)
