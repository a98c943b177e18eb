"""Anomalies told as they are published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from kafka_cluster import clients
from kafka_cluster.clock import Clock
from kafka_cluster.codec import RecordDecoder
from kafka_cluster.records import Anomaly
from kafka_cluster.registry import HttpRegistry
from kafka_cluster.settings import KafkaSettings

LOOK_EVERY_S = 0.25
REQUEST_TIMEOUT_S = 10.0


class LiveAnomalies:
    """Follows the anomalies topic without waiting; says the first `shown` of them, counts all."""

    def __init__(
        self,
        settings: KafkaSettings,
        say: Callable[[str], None],
        shown: int,
        clock: Clock,
        note: Callable[[Anomaly, float], None] = lambda _anomaly, _now_s: None,
        instant: str = "%m-%d %H:%M",
    ) -> None:
        """`note` is told each anomaly, and when it was read in seconds since the epoch; `instant` is how times look."""
        self._say, self._shown, self._clock, self._note, self._instant = say, shown, clock, note, instant
        self._registry = HttpRegistry(settings)
        self._decoder = RecordDecoder(self._registry)
        self._consumer = clients.consumer(settings, "lab-live")
        topic = settings.anomalies_topic
        partitions = self._consumer.list_topics(topic, timeout=REQUEST_TIMEOUT_S).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        self._next_look = float("-inf")
        self.count = 0

    def look(self) -> None:
        """Take in what is there, at most every LOOK_EVERY_S."""
        if self._clock.monotonic() < self._next_look:
            return
        self._next_look = self._clock.monotonic() + LOOK_EVERY_S
        for message in self._consumer.consume(100, 0):
            value = message.value()
            if message.error() is None and value is not None:
                self._tell(Anomaly.from_avro(self._decoder.decode(value)))

    def close(self) -> None:
        """Leave the topic."""
        self._consumer.close()
        self._registry.close()

    def _tell(self, anomaly: Anomaly) -> None:
        self.count += 1
        self._note(anomaly, self._clock.now())
        if self.count <= self._shown:
            at = dt.datetime.fromtimestamp(anomaly.timestamp / 1000, dt.UTC)
            self._say(f"{at.strftime(self._instant)}  {anomaly.severity:<6}  {anomaly.score:.2f}  {anomaly.reason}")
        elif self.count == self._shown + 1:
            self._say("… more are only counted")
