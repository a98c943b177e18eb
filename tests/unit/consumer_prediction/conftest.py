from __future__ import annotations

import numpy as np
import pytest

from detectors.features import engineer
from detectors.forest import FlatForest
from detectors.model import Model
from detectors.profile import Profile
from kafka_cluster.codec import Encoder
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.schemas import load_schema

METRICS = ("network", "disk", "cpu")


@pytest.fixture(scope="session")
def model() -> Model:
    """A forest on steady values; anything far away is strange."""
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415 - slow to import, needed here only

    values = np.random.default_rng(0).normal(100, 5, (1_000, 3))
    times = np.arange(1_000, dtype=np.int64) * 300_000
    features = (*METRICS, "off_hours")
    forest = IsolationForest(contamination=0.1, random_state=0).fit(engineer(times, values, METRICS, features))
    flat = FlatForest.from_sklearn(forest)
    top = float(flat.score(engineer(times, values, METRICS, features)).max())
    return Model(METRICS, features, flat, Profile.learn(times, values), -float(forest.offset_), top, "v1")


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def encoder(registry: MemoryRegistry) -> Encoder:
    schema = load_schema("metric")
    return Encoder(schema, registry.register("metrics-value", schema))
