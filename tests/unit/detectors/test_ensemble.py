from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detectors.deciding import Decider
from detectors.ensemble import DECISION, PART_NAMES, Ensemble
from detectors.ensemble_state import REFERENCE_WARM_UP, Parameters, Sizes
from detectors.errors import DetectorError
from tests.unit.detectors.ensemble_reference import Reference

Floats = np.ndarray[Any, np.dtype[np.float64]]

STEP_MS = 300_000
A_DAY = 288
WARM_UP = 64


def daily(n: int, seed: int = 0) -> Floats:
    """A week-day of load with noise, in steps of five minutes."""
    random = np.random.default_rng(seed)
    return 50 + 10 * np.sin(2 * np.pi * np.arange(n) / A_DAY) + random.normal(size=n)


def scores(values: Any, warm_up: int = WARM_UP, **parameters: float) -> Floats:
    """Of one key."""
    n = len(values)
    ensemble = Ensemble(Parameters(warm_up=warm_up)._replace(**parameters))  # type: ignore[arg-type]
    return ensemble.score(np.zeros(n, np.int64), np.arange(n) * STEP_MS, np.asarray(values, float))


def alarms(values: Any, warm_up: int = REFERENCE_WARM_UP) -> list[int]:
    found = Decider(DECISION, warm_up).alarms(np.zeros(len(values), np.int64), scores(values, warm_up))
    return [int(row) for row in np.flatnonzero(found)]


@pytest.mark.parametrize("kind", ["daily", "bursts", "flat, then not", "zeros and ones"])
def test_the_kernel_is_the_plain_reference(kind: str) -> None:
    n = 1_500  # past the memory of a stream
    random = np.random.default_rng(3)
    values = {
        "daily": daily(n, 1),
        "bursts": np.where(random.random(n) < 0.02, 1e6 * random.random(n), random.normal(size=n)),
        "flat, then not": np.where(np.arange(n) < 200, 7.0, random.normal(size=n)),
        "zeros and ones": (random.random(n) < 0.03).astype(float),
    }[kind]
    reference = Reference(Parameters(warm_up=WARM_UP))
    plain = [reference.score(float(value), row // 3 % 96) for row, value in enumerate(values)]
    assert scores(values) == pytest.approx(plain, abs=1e-9)
    assert max(plain) > 0.05


def test_windows_grow_with_the_warm_up() -> None:
    assert Sizes.of(Parameters(warm_up=1_280)).long == 2 * Sizes.of(Parameters()).long == 80
    assert Sizes.of(Parameters(warm_up=32)).short == 2


@pytest.mark.parametrize(("scale", "shift"), [(1024.0, 0.0), (2.0**-20, 0.0), (1.0, 4096.0), (8.0, -512.0)])
def test_unit_and_level_do_not_matter(scale: float, shift: float) -> None:
    values = np.round(daily(900) * 64) / 64
    assert scores(values * scale + shift) == pytest.approx(scores(values), abs=1e-9)


def test_a_mirrored_series_has_the_same_scores() -> None:
    values = daily(900)
    assert scores(-values) == pytest.approx(scores(values), abs=1e-9)


def test_nothing_is_said_during_the_warm_up() -> None:
    values = daily(400)
    values[30] = 1e6
    assert (scores(values)[:WARM_UP] == 0).all()
    assert (scores(values)[WARM_UP:] > 0).any()


@pytest.mark.parametrize("level", [0.0, 40.0, -3e6])
@pytest.mark.parametrize("wobble", [1e-6, 0.5, 1e4])
def test_a_flat_series_does_not_alarm_on_its_first_wobble(level: float, wobble: float) -> None:
    values = np.full(400, level)
    values[300] += wobble
    values[305] -= wobble / 2
    assert scores(values)[:364].max() == 0


@pytest.mark.parametrize(
    ("kind", "change"),
    {
        "spike": lambda part: part.__iadd__(np.where(np.arange(len(part)) < 12, 30.0, 0.0)),
        "level shift": lambda part: part.__iadd__(15.0),
        "drop": lambda part: part.__isub__(25.0),
        "more noise": lambda part: part.__iadd__(np.random.default_rng(5).normal(size=len(part)) * 8),
        "leak": lambda part: part.__iadd__(np.arange(len(part)) * 0.2),
    }.items(),
)
def test_kinds_of_change_are_found_within_half_a_day(kind: str, change: Any) -> None:
    values = daily(4_000, 2)
    calm = alarms(values)
    change(values[3_000:])
    found = alarms(values)
    assert not [row for row in calm if 2_800 <= row <= 3_144], kind
    assert [row for row in found if 2_800 <= row <= 3_144][:1] >= [3_000]


def test_noise_seldom_alarms() -> None:
    keys, n = 24, 3_000
    ids, times = np.tile(np.arange(keys), n), np.repeat(np.arange(n) * STEP_MS, keys)
    found = Ensemble().score(ids, times, np.random.default_rng(4).normal(size=keys * n))
    alarms = Decider(DECISION, REFERENCE_WARM_UP).alarms(ids, found)
    assert alarms.sum() / (keys * (n - REFERENCE_WARM_UP)) < 0.002


def test_one_burst_does_not_make_the_next_one_ordinary() -> None:
    values = daily(4_000, 6)
    values[1_500:1_520] += 60
    values[3_000:3_020] += 60
    assert scores(values, 640)[3_000:3_040].max() > DECISION.threshold
    assert scores(values, 640, tail_clip=0.0)[3_000:3_040].max() < scores(values, 640)[3_000:3_040].max()


def test_a_value_is_judged_before_it_is_learned() -> None:
    values = daily(800)
    values[700] += 1e3
    parts = Ensemble(Parameters(warm_up=WARM_UP)).parts(np.zeros(800, np.int64), np.arange(800) * STEP_MS, values)[1]
    assert parts[700, PART_NAMES.index("point")] == pytest.approx(0.5)  # the most that one stream can say


def test_a_burst_higher_than_every_burst_before_is_strange_however_usual_bursts_are() -> None:
    values = daily(4_000, 7)
    values[100::150] += 60
    higher = values.copy()
    higher[3_250] += 90  # one of the bursts, 60 to 150 above its day
    part = PART_NAMES.index("record")
    plain, changed = (
        Ensemble().parts(np.zeros(4_000, np.int64), np.arange(4_000) * STEP_MS, each)[1][:, part]
        for each in (values, higher)
    )
    assert plain[1_000:].max() < 0.1
    assert changed[3_250] == pytest.approx(0.5)  # the most that one kind can say
    assert changed[3_257] == pytest.approx(0.5)
    assert changed[3_249] == changed[3_258] == 0  # not before, and not for long
    assert [row for row in alarms(higher) if row not in alarms(values)][:1] == [3_250]


def test_the_parts_sum_to_the_score() -> None:
    values = daily(900)
    values[600:] += 30
    found, parts = Ensemble(Parameters(warm_up=WARM_UP)).parts(
        np.zeros(900, np.int64), np.arange(900) * STEP_MS, values
    )
    assert found == pytest.approx(np.minimum(parts.sum(axis=1), 1), abs=1e-9)
    assert found.max() <= 1


def test_what_is_no_number_scores_nothing_and_is_not_learned() -> None:
    values = daily(900)
    holes = np.insert(values, [10, 100, 100, 500], [np.nan, np.inf, -np.inf, np.nan])
    times = np.insert(np.arange(900) * STEP_MS, [10, 100, 100, 500], 0)
    ensemble = Ensemble(Parameters(warm_up=WARM_UP))
    found = ensemble.score(np.zeros(904, np.int64), times, holes)
    kept = np.isfinite(holes)
    assert (found[~kept] == 0).all()
    assert found[kept].tobytes() == scores(values).tobytes()


def test_numbers_too_large_to_square_do_not_break_a_key_for_good() -> None:
    values = daily(900)
    values[500:502] = [1e308, -1e308]
    found = scores(values)
    assert np.isfinite(found).all()
    assert found[502:].max() <= 1


def test_a_warm_up_too_short_and_a_snapshot_of_another_are_refused() -> None:
    with pytest.raises(DetectorError, match="at least 32 records, got 31"):
        Ensemble(Parameters(warm_up=31))
    other = Ensemble(Parameters(warm_up=100))
    other.score(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1))
    with pytest.raises(DetectorError, match="keep the parameters"):
        Ensemble().restore(other.snapshot())
