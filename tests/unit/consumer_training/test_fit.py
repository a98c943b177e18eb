from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from consumer_training.fit import fit
from consumer_training.rows import Rows
from consumer_training.settings import TrainingSettings
from detectors.errors import DetectorError
from detectors.features import engineer
from kafka_cluster.errors import SettingsError

STEP_MS = 300_000


def settings(**changes: Any) -> TrainingSettings:
    return TrainingSettings.read(metrics="cpu,disk", **changes)


def some_rows(count: int, seed: int = 0) -> Rows:
    values = np.random.default_rng(seed).lognormal(0, 1, (count, 2))
    index = np.arange(count, dtype=np.int64)
    return Rows(index * STEP_MS, values, index % 4, index)


def test_it_flags_what_scikit_learn_called_directly_flags() -> None:
    rows, new = some_rows(1_000), some_rows(5_000, seed=1)
    model = fit(rows, settings(), "now").model
    direct = IsolationForest(n_estimators=100, contamination=0.02, random_state=42)
    names = (("cpu", "disk"), ("cpu", "disk", "off_hours"))
    direct.fit(engineer(rows.times_ms, rows.values, *names))
    flagged = direct.predict(engineer(new.times_ms, new.values, *names)) == -1
    assert model.alarms(model.score(new.times_ms, new.values)).tolist() == flagged.tolist()
    assert flagged.any()


def test_equal_rows_and_settings_give_an_equal_model() -> None:
    one, other = fit(some_rows(300), settings(), "now"), fit(some_rows(300), settings(), "now")
    assert one.model.version == other.model.version
    assert one.model.threshold == other.model.threshold
    assert fit(some_rows(300), settings(training_seed=1), "now").model.version != one.model.version


def test_contamination_is_the_share_of_the_training_part_above_the_threshold() -> None:
    rows = some_rows(2_000)
    model = fit(rows, settings(training_contamination=0.1), "now").model
    assert model.alarms(model.score(rows.times_ms, rows.values)).mean() == pytest.approx(0.1, abs=0.002)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DetectorError, match="99 records, at least 100 are needed"):
        fit(some_rows(99), settings(), "now")


def test_constant_features_are_named_and_nothing_but_constants_is_refused() -> None:
    rows = some_rows(200)
    flat = Rows(rows.times_ms, rows.values * [1, 0], rows.partitions, rows.offsets)
    assert fit(flat, settings(), "now").constant_features == ("disk",)
    still = Rows(rows.times_ms * 0, rows.values * 0, rows.partitions, rows.offsets)
    with pytest.raises(DetectorError, match="every feature is constant"):
        fit(still, settings(), "now")


def test_fewer_rows_than_samples_a_tree_are_no_problem() -> None:
    assert fit(some_rows(100), settings(training_samples=4096), "now").model.forest.samples == 100


def test_waiting_for_more_than_fits_in_memory_is_refused() -> None:
    with pytest.raises(SettingsError, match="TRAINING_WAIT_FOR must be <= TRAINING_MAX_ROWS"):
        settings(training_wait_for=2_000, training_max_rows=1_000)


def test_waiting_for_a_data_set_needs_one() -> None:
    with pytest.raises(SettingsError, match="needs TRAINING_DATASET"):
        settings(training_wait_for="dataset")
