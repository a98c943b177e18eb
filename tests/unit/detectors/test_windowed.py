"""What the detectors over windows promise beyond the contract of the catalogue."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor
from sklearn.svm import OneClassSVM

from detectors import autoencoder, one_class_svm
from detectors.autoencoder import Autoencoder
from detectors.catalogue import CATALOGUE
from detectors.errors import DetectorError
from detectors.one_class_svm import OneClassSvm
from detectors.seasonal_esd import SeasonalEsd
from detectors.windowed import LAGS, windows_of

NAMES = ("one-class-svm", "dbscan", "autoencoder", "seasonal-esd")
WARM_UP = 192
every = pytest.mark.parametrize("name", NAMES)


def scores(name: str, values: Any, warm_up: int = WARM_UP, **options: float) -> Any:
    detector = CATALOGUE[name].make(warm_up, options)
    return detector.score(np.zeros(len(values), np.int64), np.zeros(len(values), np.int64), np.asarray(values, float))


def daily(n: int, seed: int = 0) -> Any:
    """A cycle of 48 records, with noise."""
    return 20 + 5 * np.sin(2 * np.pi * np.arange(n) / 48) + np.random.default_rng(seed).normal(size=n)


@every
def test_a_spike_is_found_and_calm_noise_is_left_in_peace(name: str) -> None:
    values = daily(3_000)
    values[2_500] += 25
    found = scores(name, values, period=48) if name == "seasonal-esd" else scores(name, values)
    assert found[2_500] > 0.5
    others = np.delete(found, np.arange(2_500, 2_500 + LAGS))
    assert (others > 0.5).mean() < 0.002


@every
@pytest.mark.parametrize(("scale", "shift"), [(1024.0, 0.0), (2.0**-20, 0.0), (1.0, 4096.0)])
def test_unit_and_level_do_not_matter(name: str, scale: float, shift: float) -> None:
    values = np.round(daily(700) * 64) / 64
    assert scores(name, values * scale + shift) == pytest.approx(scores(name, values), abs=1e-6)


@every
def test_a_mirrored_series_has_the_same_alarms(name: str) -> None:
    values = daily(700, 3)
    values[[400, 550]] += 40
    plain, mirrored = scores(name, values), scores(name, -values)
    assert (mirrored[[400, 550]] > 0.5).all()
    if name != "autoencoder":  # a network that begins at the same weights ends at others, which are as good
        assert mirrored == pytest.approx(plain, abs=1e-3)


@every
@pytest.mark.parametrize("wobble", [1e-9, 0.5, 1e6])
def test_a_flat_start_teaches_nothing_and_does_not_alarm(name: str, wobble: float) -> None:
    values = np.full(3 * WARM_UP, 7.0)
    values[WARM_UP + 50] += wobble
    assert (scores(name, values) == 0).all()


def test_the_border_is_that_of_scikit_learn() -> None:
    values = np.random.default_rng(1).normal(size=WARM_UP)
    x = windows_of(values)
    machine = OneClassSVM(nu=one_class_svm.NU, gamma=1 / (LAGS * x.var())).fit(x)
    detector = OneClassSvm(WARM_UP)
    windows = np.random.default_rng(2).normal(size=(50, LAGS)) * 1.5
    plain = np.clip(-machine.decision_function(windows) / -machine.intercept_[0], 0, 1)
    assert detector.rate(detector.fit(values, 0), windows, 0) == pytest.approx(plain, abs=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_network_is_that_of_scikit_learn() -> None:
    values = np.random.default_rng(1).normal(size=WARM_UP)
    x = windows_of(values)
    network = MLPRegressor(
        hidden_layer_sizes=(autoencoder.BETWEEN,),
        activation="tanh",
        solver="lbfgs",
        max_iter=autoencoder.STEPS,
        random_state=0,
    ).fit(x, x)
    errors = np.empty(len(x))
    autoencoder.errors_of(Autoencoder(WARM_UP).fit(values, 0), x, errors)
    assert errors == pytest.approx(((x - network.predict(x)) ** 2).sum(axis=1), rel=1e-6)


def test_a_value_usual_by_day_is_strange_by_night_for_seasonal_esd() -> None:
    values = 20 + 10 * np.sin(2 * np.pi * np.arange(1_200) / 48) + np.random.default_rng(0).normal(size=1_200) * 0.5
    values[1_000] = values.max()  # at a phase of -0.5
    found = scores("seasonal-esd", values, period=48)
    assert found[1_000] > 0.5
    assert (np.delete(found, 1_000) > 0.5).mean() < 0.005


def test_parameters_that_cannot_be_are_refused() -> None:
    with pytest.raises(DetectorError, match="needs a warm-up of 32 records"):
        OneClassSvm(31)
    with pytest.raises(DetectorError, match="needs 2 periods"):
        SeasonalEsd(100, 51)
