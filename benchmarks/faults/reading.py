"""What a reader of the committed records sees of one run."""

from __future__ import annotations

from collections import Counter

from benchmarks.faults.compare import Committed
from kafka_cluster.read_topic import read_topic
from kafka_cluster.records import Anomaly
from kafka_cluster.settings import KafkaSettings


def committed(settings: KafkaSettings) -> Committed:
    """The run's anomalies and the original bytes of its dead letters, read with `read_committed`."""
    anomalies = tuple(
        Anomaly.from_avro(record.value)
        for record in read_topic(settings, settings.anomalies_topic)
        if record.value is not None
    )
    letters = Counter(record.raw for record in read_topic(settings, settings.dead_letters_topic))
    return Committed(anomalies, letters)
