"""What every detector of the catalogue promises."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from detectors.catalogue import CATALOGUE, Detector, Judge
from detectors.errors import DetectorError

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

WARM_UP = 64
STEP_MS = 300_000

every = pytest.mark.parametrize("name", list(CATALOGUE))


def make(name: str) -> Detector:
    return CATALOGUE[name].make(WARM_UP, {})


def stream(keys: int = 5, each: int = 700) -> tuple[Ints, Ints, Floats]:
    """Records of some keys in turn: noise around a daily cycle, bursts, a shift, a flat stretch."""
    random = np.random.default_rng(1)
    row = np.repeat(np.arange(each), keys)
    ids = np.tile(np.arange(keys) * 1_000_003 - 2_000_000, each)
    values = random.normal(size=keys * each) + 3 * np.sin(2 * np.pi * row / 288) + ids % 7
    values[random.random(len(values)) < 0.01] *= 20
    values[row > 500] += 4
    values[(row > 300) & (row < 360) & (ids < 0)] = 2.5
    return ids, row.astype(np.int64) * STEP_MS, values


@every
def test_scores_are_between_0_and_1_and_the_detector_says_something(name: str) -> None:
    scores = make(name).score(*stream())
    assert scores.shape == (3_500,)
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert len(np.unique(scores)) > 1


@every
def test_no_score_uses_a_later_record(name: str) -> None:
    """The scores of a truncated series are the first part of the scores of the whole one, bit for bit."""
    ids, times, values = stream(keys=1)
    whole = make(name).score(ids, times, values)
    for end in (1, WARM_UP - 1, WARM_UP, WARM_UP + 1, 131, 400, 699):
        assert make(name).score(ids[:end], times[:end], values[:end]).tobytes() == whole[:end].tobytes()
    changed = values.copy()
    changed[400:] = 1e6 * np.random.default_rng(2).normal(size=300)
    assert make(name).score(ids, times, changed)[:400].tobytes() == whole[:400].tobytes()


@every
def test_batch_boundaries_do_not_matter(name: str) -> None:
    ids, times, values = stream()
    whole = make(name).score(ids, times, values)
    detector, edges = make(name), [0, 1, 17, 17, 320, 321, 1_800, 3_500]
    parts = [detector.score(ids[a:b], times[a:b], values[a:b]) for a, b in pairwise(edges)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


@every
@pytest.mark.parametrize("at", [10, 5 * WARM_UP - 3, 5 * WARM_UP + 2, 2_222])
def test_a_restored_snapshot_goes_on_bit_for_bit(name: str, at: int) -> None:
    ids, times, values = stream()
    detector, other = make(name), make(name)
    detector.score(ids[:at], times[:at], values[:at])
    kept = detector.snapshot()
    rest = detector.score(ids[at:], times[at:], values[at:])
    assert all(array.dtype != object for array in kept.values())
    other.restore(kept)
    assert other.score(ids[at:], times[at:], values[at:]).tobytes() == rest.tobytes()


@every
def test_keys_do_not_touch_each_other_however_many_there_are(name: str) -> None:
    ids, times, values = stream()
    together = make(name).score(ids, times, values)
    for key in np.unique(ids):
        own = ids == key
        assert make(name).score(ids[own], times[own], values[own]).tobytes() == together[own].tobytes()
    crowd = make(name)
    crowd.score(np.arange(10, 1_210), np.zeros(1_200, np.int64), np.ones(1_200))
    assert crowd.score(ids, times, values).tobytes() == together.tobytes()


@every
def test_a_flat_start_does_not_alarm_on_its_first_wobble(name: str) -> None:
    if name == "blind":
        pytest.skip("it looks at nothing")
    values = np.full(300, 20.0)
    values[200] = 20.1
    judge = Judge.make(name, WARM_UP)
    assert not judge.judge(np.zeros(300, np.int64), np.arange(300) * STEP_MS, values)[1].any()


def test_unknown_names_and_options_are_refused_and_known_ones_taken() -> None:
    with pytest.raises(DetectorError, match="no such detector; there are ensemble"):
        Judge.make("oracle", WARM_UP)
    with pytest.raises(DetectorError, match="has no option 'labels'"):
        Judge.make("ensemble", WARM_UP, {"labels": 1.0})
    ids, times, values = stream(keys=1)
    few, many = (Judge.make("ensemble", WARM_UP, {"threshold": at}).judge(ids, times, values)[1] for at in (0.3, 0.05))
    assert few.sum() < many.sum()
