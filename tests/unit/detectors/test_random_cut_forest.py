"""What the random cut forest promises beyond the contract of the catalogue."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from detectors.catalogue import Judge
from detectors.errors import DetectorError
from detectors.random_cut_forest import RandomCutForest
from detectors.windowed import LAGS

WARM_UP = 192


def scores(values: Any, warm_up: int = WARM_UP, seed: int = 0) -> Any:
    zeros = np.zeros(len(values), np.int64)
    return RandomCutForest(warm_up, seed).score(zeros, zeros, np.asarray(values, float))


def daily(n: int, seed: int = 0) -> Any:
    """A cycle of 48 records, with noise."""
    return 20 + 5 * np.sin(2 * np.pi * np.arange(n) / 48) + np.random.default_rng(seed).normal(size=n)


def test_a_spike_is_found_and_calm_noise_is_left_in_peace() -> None:
    values = daily(2_000)
    values[1_500] += 25
    found = scores(values)
    assert found[1_500] > 0.5
    assert (found[:WARM_UP] == 0).all()
    others = np.delete(found, np.arange(1_500, 1_500 + LAGS))
    assert (others > 0.5).mean() < 0.003


@pytest.mark.parametrize(("scale", "shift"), [(1024.0, 0.0), (2.0**-20, 0.0), (1.0, 4096.0)])
def test_unit_and_level_do_not_matter(scale: float, shift: float) -> None:
    values = np.round(daily(500) * 64) / 64
    assert scores(values * scale + shift) == pytest.approx(scores(values), abs=1e-9)


def test_both_sides_are_strange_and_the_seed_chooses_the_trees() -> None:
    values = daily(700, 3)
    values[450] += 40
    assert scores(values)[450] > 0.5
    assert scores(-values)[450] > 0.5
    assert scores(values).tobytes() == scores(values).tobytes()
    assert scores(values).tobytes() != scores(values, seed=1).tobytes()


def test_a_series_that_does_not_change_has_no_forest_until_it_does() -> None:
    values = np.concatenate([np.full(500, 7.3), daily(700, 4)])
    found = scores(values)
    assert (found[:500] == 0).all()
    assert (found[500 + 2 * WARM_UP :] > 0).any()


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "krcf", None)
    with pytest.raises(DetectorError, match="needs the library krcf, which is not installed; install the extra `rcf`"):
        Judge.make("random-cut-forest", WARM_UP)


def test_a_warm_up_of_too_few_windows_is_refused() -> None:
    with pytest.raises(DetectorError, match="needs a warm-up of 32 records"):
        RandomCutForest(4 * LAGS - 1)
