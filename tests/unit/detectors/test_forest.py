from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from detectors.errors import DetectorError
from detectors.forest import FlatForest, mean_path_length

TOLERANCE = 1e-12


def fitted(seed: int, **parameters: Any) -> tuple[Any, np.ndarray[Any, np.dtype[np.float32]]]:
    """A forest of scikit-learn's on random data of several kinds, and that data."""
    random = np.random.default_rng(seed)
    rows, features = int(random.integers(2, 400)), int(random.integers(1, 7))
    x = random.normal(0, 10.0 ** random.integers(-30, 30), (rows, features)).astype(np.float32)
    x[:, 0] = random.integers(0, 3, rows)  # few values: many ties
    return IsolationForest(random_state=seed, **parameters).fit(x), x


def probes(forest: Any, x: np.ndarray[Any, np.dtype[np.float32]], seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The training rows, rows that sit exactly on thresholds or a hair beside, and float32's extremes."""
    random = np.random.default_rng(seed)
    thresholds = np.concatenate([tree.tree_.threshold for tree in forest.estimators_]).astype(np.float32)
    on = random.choice(thresholds, (300, x.shape[1]))
    largest = np.finfo(np.float32).max
    extremes = random.choice(np.asarray([0, -0.0, largest, -largest, 1e-45], np.float32), (100, x.shape[1]))
    return np.concatenate(
        [x, on, np.nextafter(on, np.float32(np.inf)), np.nextafter(on, np.float32(-np.inf)), extremes]
    )


@pytest.mark.parametrize("seed", range(60))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(1_000 + seed)
    forest, x = fitted(
        seed,
        n_estimators=int(random.integers(1, 30)),
        max_samples=float(random.uniform(0.05, 1.0)),
        max_features=float(random.uniform(0.3, 1.0)),
    )
    rows = probes(forest, x, seed)
    assert np.abs(FlatForest.from_sklearn(forest).score(rows) + forest.score_samples(rows)).max() <= TOLERANCE


@given(rows=st.integers(0, 40), cut=st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_a_row_scores_the_same_in_any_batch(rows: int, cut: int) -> None:
    forest, x = fitted(3)
    flat = FlatForest.from_sklearn(forest)
    whole = np.tile(x, (20, 1))[:rows]
    assert np.concatenate([flat.score(whole[:cut]), flat.score(whole[cut:])]).tolist() == flat.score(whole).tolist()


def test_the_mean_path_length_of_two_samples_is_one_and_grows() -> None:
    lengths = [mean_path_length(samples) for samples in range(1, 300)]
    assert lengths[:2] == [0.0, 1.0]
    assert lengths == sorted(lengths)
    assert lengths[255] == pytest.approx(10.244770920116851)  # Liu et al.'s c(256)


def test_what_was_stored_scores_the_same() -> None:
    forest, x = fitted(5)
    flat = FlatForest.from_sklearn(forest)
    assert FlatForest.from_arrays(flat.arrays()).score(x).tolist() == flat.score(x).tolist()


@pytest.mark.parametrize("broken", ["feature", "threshold", "path_length", "features"])
def test_arrays_that_do_not_fit_together_are_refused_before_the_kernel_sees_them(broken: str) -> None:
    arrays = FlatForest.from_sklearn(fitted(5)[0]).arrays()
    arrays[broken] = np.asarray(0) if broken == "features" else arrays[broken][:, 1:]
    with pytest.raises(DetectorError, match="do not fit together"):
        FlatForest.from_arrays(arrays)


def test_rows_of_another_shape_or_type_are_refused() -> None:
    forest, x = fitted(5)
    flat = FlatForest.from_sklearn(forest)
    wrongs: list[Any] = [x[0], x.astype(np.float64), np.zeros((2, x.shape[1] + 1), np.float32)]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="need float32 rows"):
            flat.score(wrong)


def test_a_forest_past_the_limits_is_refused() -> None:
    wide = IsolationForest(n_estimators=1, random_state=0).fit(np.random.default_rng(0).normal(size=(8, 300)))
    with pytest.raises(DetectorError, match="300 features"):
        FlatForest.from_sklearn(wide)
