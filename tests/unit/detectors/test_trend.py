from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau, theilslopes

from detectors.errors import DetectorError
from detectors.trend import LEVEL, PANES, SLOPE, Trend, Z

WARM_UP = 240
STEP_MS = 300_000
HOUR_MS = 3_600_000


def run(values: Any, warm_up: int = WARM_UP, **options: float) -> tuple[Trend, Any]:
    """One key, or an array of many: shape (n,) or (n, keys). Scores in the same shape."""
    values = np.asarray(values, float)
    columns = values.reshape(len(values), -1)
    keys = np.tile(np.arange(columns.shape[1]), len(values))
    times = np.repeat(np.arange(len(values), dtype=np.int64) * STEP_MS, columns.shape[1])
    trend = Trend(warm_up, **options)
    return trend, trend.score(keys, times, np.ascontiguousarray(columns).ravel()).reshape(values.shape)


def noise(n: int, keys: int = 1, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(n, keys)).squeeze()


@pytest.mark.parametrize("seed", range(3))
def test_slope_is_theil_sen_and_z_falls_with_mann_kendall(seed: int) -> None:
    values = noise(WARM_UP, seed=seed) + np.arange(WARM_UP) * 0.004
    trend, _ = run(values)
    averages = values.reshape(PANES, -1).mean(axis=1)
    times = np.arange(WARM_UP).reshape(PANES, -1).mean(axis=1) * STEP_MS
    found = trend._said[-1]
    assert found[SLOPE] == pytest.approx(theilslopes(averages, times).slope)
    assert found[LEVEL] == pytest.approx(np.median(averages - found[SLOPE] * (times - times[-1])))
    s = kendalltau(averages, times).statistic * PANES * (PANES - 1) / 2
    plain = (abs(s) - 1) / np.sqrt(PANES * (PANES - 1) * (2 * PANES + 5) / 18) * np.sign(s)
    assert 0 < found[Z] / plain <= 1 + 1e-9


def test_a_leak_is_found_and_noise_and_a_level_shift_are_not() -> None:
    n, keys = 2_000, 60
    calm, shift, leak = noise(n, keys, 1), noise(n, keys, 2), noise(n, keys, 3)
    shift[600:] += 4
    leak[600:] += np.arange(n - 600)[:, None] * 2 / WARM_UP
    assert (run(calm)[1] < 0.5).all()
    assert (run(shift)[1] < 0.5).mean() > 0.999
    assert (run(leak)[1][600:] > 0.5).any(axis=0).all()
    assert (run(leak)[1][:600] < 0.5).all()


def test_most_of_a_random_walk_is_no_trend() -> None:
    assert (run(np.cumsum(noise(2_000, 80, 4), axis=0))[1] > 0.5).mean() < 0.02


A_DAY = 288


def daily(days: int, keys: int, seed: int, amplitude: float = 8.0) -> Any:
    """Cycles of many forms, shape (n, keys), with noise that has memory; their amplitude in sd of the noise."""
    random = np.random.default_rng(seed)
    at = 2 * np.pi * np.arange(days * A_DAY)[:, None] / A_DAY
    waves = [np.sin(k * at + random.uniform(0, 7, keys)) * random.uniform(0, 1, keys) / k for k in (1, 2, 3)]
    office = (np.sin(at + random.uniform(0, 7, keys)) > 0.4) * random.uniform(0, 1, keys)
    made = noise(len(at), keys, seed)
    for row in range(1, len(made)):
        made[row] += 0.4 * made[row - 1]
    return made + amplitude * (sum(waves) + office)


@pytest.mark.parametrize("warm_up", [A_DAY, 2 * A_DAY])
def test_a_daily_cycle_is_no_trend_and_a_leak_on_it_is_one(warm_up: int) -> None:
    values = daily(14, 40, 6)
    assert (run(values, warm_up=warm_up)[1] < 0.5).all()
    begin = 8 * A_DAY
    values[begin:] += np.arange(len(values) - begin)[:, None] * 5 / A_DAY
    trend, scores = run(values, warm_up=warm_up)
    assert (scores[:begin] < 0.5).all()
    found = (scores[begin : begin + 3 * A_DAY] > 0.5).any(axis=0)
    assert found.mean() > 0.9
    assert np.median(trend._said[-40:, SLOPE]) * 24 * HOUR_MS == pytest.approx(5, rel=0.1)


def test_a_leak_that_goes_on_for_weeks_does_not_become_part_of_the_cycle() -> None:
    values = daily(28, 10, 7) + np.arange(28 * A_DAY)[:, None] * 5 / A_DAY
    assert (run(values, warm_up=2 * A_DAY)[1][-7 * A_DAY :] > 0.5).mean() > 0.9


def test_a_level_shift_on_a_daily_cycle_is_no_trend() -> None:
    values = daily(16, 40, 8)
    values[9 * A_DAY + 77 :] += 8
    assert (run(values, warm_up=2 * A_DAY)[1] < 0.5).mean() > 0.999


def test_with_a_daily_cycle_too_batches_snapshots_unit_and_mirror_do_not_matter() -> None:
    values = np.round(daily(6, 3, 9) * 64) / 64
    values[4 * A_DAY :] += np.arange(2 * A_DAY)[:, None] // 16
    whole = run(values)[1]
    assert whole.max() > 0.5
    assert run(values * 4 + 512)[1] == pytest.approx(whole, abs=1e-9)
    assert run(-values)[1] == pytest.approx(whole, abs=1e-9)
    keys, times = np.tile(np.arange(3), len(values)), np.repeat(np.arange(len(values)) * STEP_MS, 3)
    trend, parts = Trend(WARM_UP), []
    for first, last in pairwise([0, 1, 500, 2_601, 2_602, 4_000, values.size]):
        parts.append(trend.score(keys[first:last], times[first:last], values.ravel()[first:last]))
        other = Trend(WARM_UP)
        other.restore(trend.snapshot())
        trend = other
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_outliers_do_not_make_or_hide_a_trend() -> None:
    values = noise(WARM_UP) + np.arange(WARM_UP) * 0.02
    clean = run(values)[0]._said[-1]
    values[[90, 170]] += 1e6
    assert run(values)[0]._said[-1][SLOPE] == pytest.approx(clean[SLOPE], rel=0.2)
    assert run(values)[1][-1] > 0.5


def test_the_time_until_the_limit_is_projected() -> None:
    values = 20 + np.arange(WARM_UP) * 0.1 + noise(WARM_UP) * 0.01  # 1.2 an hour, 44 by now
    trend, scores = run(values, limit=56)
    assert scores[-1] > 0.5
    assert trend.say(WARM_UP - 1) == "rises by 1.2 an hour; reaches 56 in about 10h"
    falling, _ = run(-values)
    assert falling.say(WARM_UP - 1) == "falls by 1.2 an hour"


def test_a_trend_away_from_the_limit_or_far_from_it_does_not_alarm() -> None:
    values = 20 + np.arange(WARM_UP) * 0.1
    assert run(values, limit=56)[1][-1] > 0.5
    assert run(values, limit=10)[1][-1] == 0
    assert run(values, limit=56, horizon_s=8 * 3_600)[1][-1] == 0


@pytest.mark.parametrize(("scale", "shift"), [(4.0, 0.0), (2.0**-30, 0.0), (1.0, 512.0)])
def test_unit_and_level_do_not_matter_and_a_mirror_keeps_the_score(scale: float, shift: float) -> None:
    values = np.round(noise(600) * 64) / 64 + np.arange(600) // 8
    scores = run(values)[1]
    assert scores.max() > 0.5
    assert run(values * scale + shift)[1] == pytest.approx(scores, abs=1e-12)
    assert run(-values)[1] == pytest.approx(scores, abs=1e-12)


def test_nothing_is_said_before_the_window_is_full_nor_of_a_flat_series() -> None:
    rising = np.arange(WARM_UP, dtype=float)
    assert (run(rising)[1][: WARM_UP - 1] == 0).all()
    assert run(rising)[1][-1] > 0.5
    assert (run(np.full(600, 7.3))[1] == 0).all()


def test_parameters_that_cannot_be_are_refused() -> None:
    for wrong in ((PANES - 1, 1.0), (PANES, 0.0)):
        with pytest.raises(DetectorError, match="needs a warm-up of 24 records"):
            Trend(wrong[0], horizon_s=wrong[1])
