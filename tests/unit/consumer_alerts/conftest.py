"""Anomalies and desks, for tests of the core."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from kafka_cluster.records import Anomaly, Severity

Make = Callable[..., Anomaly]
MINUTE_MS = 60_000


def maker() -> Make:
    """Makes anomalies, each with an id of its own. `minute` of event time."""
    numbers = count()

    def make(
        key: str | None = "host", minute: float = 0, score: float = 0.9, severity: Severity = Severity.HIGH,
        detector: str = "forest",
    ) -> Anomaly:  # fmt: skip
        number = next(numbers)
        at = round(minute * MINUTE_MS)
        why = f"{key} at {minute}"
        return Anomaly(f"{number:032x}", "metrics", 0, number, key, at, detector, "v1", score, 0.5, severity, (), why)

    return make


@pytest.fixture
def anomaly() -> Make:
    return maker()
