from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from detectors.features import engineer
from detectors.forest import FlatForest
from detectors.model import Model
from detectors.profile import Profile

METRICS = ("network", "disk", "cpu")
FEATURES = (*METRICS, "off_hours")
STEP_MS = 300_000
START_MS = 1_397_088_000_000  # 2014-04-10 00:00


@pytest.fixture(scope="session")
def model() -> Model:
    """Grown on a week of quiet days: network by the hour, disk and cpu flat with noise."""
    random = np.random.default_rng(1)
    times = START_MS + STEP_MS * np.arange(2016)
    hours = times % 86_400_000 / 3_600_000
    values = np.column_stack(
        [
            1e6 * (2 + np.sin(hours / 24 * 2 * np.pi)) * random.normal(1, 0.02, len(times)),
            random.normal(50, 2, len(times)),
            random.normal(20, 1, len(times)),
        ]
    )
    x = engineer(times, values, METRICS, FEATURES)
    forest = IsolationForest(contamination=0.02, random_state=0).fit(x)
    flat = FlatForest.from_sklearn(forest)
    profile = Profile.learn(times, values)
    return Model(METRICS, FEATURES, flat, profile, -float(forest.offset_), float(flat.score(x).max()), "v1")
