from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.cusum import DECISION, THRESHOLD, Cusum
from detectors.errors import DetectorError
from tests.unit.detectors import cusum_reference

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


def stream(seed: int, n: int = 3_000, keys: int = 7) -> tuple[Ints, Floats]:
    """Noise with levels, spreads, shifts, flat stretches and spikes, over some keys."""
    random = np.random.default_rng(seed)
    ids = random.integers(-keys, keys, n)
    values = random.normal(size=n) * 10.0 ** random.integers(-3, 4) + 1e3 * ids
    values[random.random(n) < 0.01] *= 30
    values[n // 2 : n // 2 + n // 5] = values[n // 2]
    return ids, values


def scores(values: Any, **parameters: Any) -> Floats:
    """Of one key."""
    return Cusum(**parameters).score(np.zeros(len(values), np.int64), np.arange(len(values)), np.asarray(values, float))


def noise(seed: int, n: int = 50) -> Floats:
    return np.random.default_rng(seed).normal(size=n)


@pytest.mark.parametrize("seed", range(8))
def test_the_kernel_is_the_plain_reference_bit_for_bit(seed: int) -> None:
    random = np.random.default_rng(seed)
    depth = int(random.integers(5, 60))
    reference = int(random.integers(3, depth))
    keys, values = stream(seed)
    found = Cusum(depth, reference, 0.4).chart(keys, values)
    plain = cusum_reference.charts(keys.tolist(), values.tolist(), depth, reference, 0.4)
    assert np.column_stack(found).tobytes() == np.asarray(plain).tobytes()
    assert max(found.up.max(), found.down.max()) > DECISION  # the stream is one that alarms


@given(seed=st.integers(0, 99), cuts=st.lists(st.integers(0, 3_000), max_size=6))
@settings(max_examples=30, deadline=None)
def test_scores_do_not_depend_on_where_batches_fall(seed: int, cuts: list[int]) -> None:
    keys, values = stream(seed)
    times = np.zeros(len(keys), np.int64)
    whole = Cusum().score(keys, times, values)
    parts, edges = Cusum(), [0, *sorted(cuts), len(keys)]
    found = [parts.score(keys[a:b], times[a:b], values[a:b]) for a, b in pairwise(edges)]
    assert np.concatenate(found).tobytes() == whole.tobytes()


def test_a_restored_snapshot_goes_on_bit_for_bit() -> None:
    keys, values = stream(1)
    times = np.zeros(len(keys), np.int64)
    undisturbed = Cusum()
    undisturbed.score(keys[:2_000], times[:2_000], values[:2_000])
    restored = Cusum()
    restored.restore(undisturbed.snapshot())
    assert (
        restored.score(keys[2_000:], times[2_000:], values[2_000:]).tobytes()
        == undisturbed.score(keys[2_000:], times[2_000:], values[2_000:]).tobytes()
    )


def test_the_last_values_alone_are_enough_to_go_on_bit_for_bit() -> None:
    """A store that gives back the last 50 of each key, and no more, gives back the state."""
    keys, values = stream(2)
    undisturbed, rebuilt = Cusum(), Cusum()
    undisturbed.chart(keys[:2_500], values[:2_500])
    for key in reversed(np.unique(keys[:2_500]).tolist()):
        last = undisturbed.history.of(key)
        rebuilt.history.push(np.full(len(last), key), last)
    after, again = (one.chart(keys[2_500:], values[2_500:]) for one in (undisturbed, rebuilt))
    assert np.column_stack(after).tobytes() == np.column_stack(again).tobytes()


@given(seed=st.integers(0, 999), shift=st.integers(-(2**20), 2**20), power=st.integers(-20, 20))
@settings(max_examples=50, deadline=None)
def test_level_and_unit_do_not_matter(seed: int, shift: int, power: int) -> None:
    values = np.round(noise(seed, 120) * 64) / 64  # so that shifted values are exact
    there = scores((values + shift) * 2.0**power)
    assert there == pytest.approx(scores(values), abs=1e-9)


@given(seed=st.integers(0, 999))
@settings(max_examples=50, deadline=None)
def test_a_mirrored_series_has_its_sums_swapped(seed: int) -> None:
    values = noise(seed, 200)
    values[120:] += 1.5
    keys = np.zeros(len(values), np.int64)
    there, mirrored = Cusum().chart(keys, values), Cusum().chart(keys, -values)
    assert there.up.tobytes() == mirrored.down.tobytes()
    assert there.down.tobytes() == mirrored.up.tobytes()
    assert there.up[120:150].max() > there.down[120:150].max()


def test_no_score_before_there_is_a_reference() -> None:
    values = noise(3, 200) * 1e6
    found = scores(values)
    assert (found[:25] == 0).all()
    assert (found[25:75] > 0).any()


@pytest.mark.parametrize("level", [0.0, 0.1, -1e9, 1e300, 5e-324])
@pytest.mark.parametrize("wobble", [1e-6, 1.0, 1e12])
def test_a_flat_start_does_not_alarm_on_the_first_wobble(level: float, wobble: float) -> None:
    for before in (1, 10, 25, 26, 49, 200):
        assert scores([level] * before + [level + wobble, level, level]).max() < THRESHOLD


def test_a_flat_series_that_jumps_alarms_from_the_second_value_on() -> None:
    found = scores([10.0] * 60 + [11.0] * 5)
    assert (found > THRESHOLD).tolist() == [False] * 61 + [True] * 4


def test_a_value_is_judged_before_it_is_learned() -> None:
    values = noise(4)
    values[-1] = 1e6
    found = Cusum().chart(np.zeros(50, np.int64), values)
    assert found.up[-1] > DECISION
    assert abs(found.expected[-1]) < 1


@pytest.mark.parametrize("sign", [1, -1])
def test_three_sigma_in_the_last_ten_of_fifty_is_always_found(sign: int) -> None:
    runs = 1_000
    values = np.random.default_rng(5).normal(size=(50, runs))
    values[40:] += 3 * sign
    detector, keys = Cusum(), np.arange(runs)
    charts = [detector.chart(keys, row) for row in values]
    right, wrong = (charts[-1].up, charts[-1].down)[::sign]
    assert (right > DECISION).all()
    assert not (wrong > DECISION).any()


def test_noise_alarms_as_seldom_as_the_textbook_says() -> None:
    runs = 20_000
    values = np.random.default_rng(6).normal(size=(50, runs))
    detector, keys = Cusum(), np.arange(runs)
    last = [detector.chart(keys, row) for row in values][-1]
    for side in (last.up, last.down):
        assert 0.001 < (side > DECISION).mean() < 0.006


def test_only_checked_records_are_scored_and_all_are_noted() -> None:
    keys, values = stream(7)
    checked = np.arange(len(keys)) % 5 == 0
    every, some = Cusum(), Cusum()
    whole, part = every.chart(keys, values), some.chart(keys, values, checked)
    assert part.up[checked].tobytes() == whole.up[checked].tobytes()
    assert not part.up[~checked].any()
    assert not part.down[~checked].any()
    assert np.isnan(part.expected[~checked]).all()
    assert some.history.of(int(keys[-1])).tobytes() == every.history.of(int(keys[-1])).tobytes()


def test_numbers_too_large_to_square_do_not_break_a_key_for_good() -> None:
    values = np.concatenate([noise(8, 40), [1e308, -1e308], noise(9, 100)])
    found = scores(values)
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 1
    assert found[-1] == scores(values[-50:])[-1]


@pytest.mark.parametrize(
    "wrong", [{"reference": 2}, {"reference": 50}, {"depth": 0}, {"slack": -1.0}, {"decision": 0.0}]
)
def test_parameters_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(DetectorError):
        Cusum(**wrong)


def test_a_snapshot_of_another_depth_is_refused() -> None:
    with pytest.raises(DetectorError, match="values a key"):
        Cusum(60).restore(Cusum(50).snapshot())
