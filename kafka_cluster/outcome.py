"""What came of a batch, by kind, for a member's metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter

from kafka_cluster import metrics
from kafka_cluster.dead_letters import DeadLetter
from kafka_cluster.meter import Meter
from kafka_cluster.records import Anomaly


def count_outcome(meter: Meter, anomalies: Sequence[Anomaly], letters: Sequence[DeadLetter]) -> None:
    """Count what was committed with a batch."""
    if not meter.on:
        return
    meter.add_all(metrics.ANOMALIES, Counter(map(attrgetter("detector", "severity"), anomalies)))
    meter.add_all(metrics.DEAD_LETTERS, Counter((letter.error,) for letter in letters))
