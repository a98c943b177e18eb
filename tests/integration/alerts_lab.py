"""Alerts consumers on topics of their own, and somebody who finds anomalies."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consumer_alerts.settings import AlertsSettings
from consumer_alerts.worker import Counts, Worker
from kafka_cluster import clients
from kafka_cluster.anomaly_encoder import AnomalyEncoder
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.embedded.cluster import ClusterInfo
from kafka_cluster.incident import Incident
from kafka_cluster.prepare import PrepareSettings, prepare, wait_for_registry
from kafka_cluster.read_topic import read_topic
from kafka_cluster.records import Anomaly, Severity
from kafka_cluster.registry import HttpRegistry, subject_of
from kafka_cluster.schemas import load_schema
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.transaction import Transactions
from tests.integration.threaded import WAIT_S, Threaded

MINUTE_MS = 60_000
TOPICS = ("metrics", "events", "anomalies", "incidents", "verdicts", "models", "dead_letters")
Member = Threaded[Counts]


class AlertsLab:
    """One group."""

    def __init__(self, info: ClusterInfo, folder: Path) -> None:
        one = uuid.uuid4().hex[:8]
        self.folder, self.clock = folder, SystemClock()
        self.common: dict[str, Any] = {name.lower(): value for name, value in info.env().items()}
        self.common |= {f"{name}_topic": f"{name}-{one}" for name in TOPICS}
        self.common |= {"alerts_group": f"alerts-{one}", "alerts_file": folder / "alerts.yaml"}
        self.settings = KafkaSettings.read(**self.common)
        prepare(PrepareSettings.read(**self.common), self.clock)
        self.members: list[Member] = []
        with HttpRegistry(self.settings) as registry:
            topic = subject_of(self.settings.anomalies_topic)
            self._encoder = AnomalyEncoder(registry.register(topic, load_schema("anomaly")))
        self._found = 0

    def rules(self, text: str) -> None:
        (self.folder / "alerts.yaml").write_text(text)

    def find(self, *keys: str, minute: int = 0, severity: Severity = Severity.HIGH) -> None:
        """Anomalies of these keys at that minute of event time."""
        producer = clients.producer(self.settings)
        for key in keys:
            self._found += 1
            anomaly = Anomaly(
                f"{self._found:032x}", "metrics", 0, self._found, key, minute * MINUTE_MS, "forest", "v1", 0.9, 0.7,
                severity, (), f"{key} is strange",
            )  # fmt: skip
            producer.produce(self.settings.anomalies_topic, self._encoder.encode(anomaly), key.encode())
        assert producer.flush(WAIT_S) == 0

    def send(self, *values: bytes | None) -> None:
        """Raw values onto the topic of anomalies."""
        producer = clients.producer(self.settings)
        for value in values:
            producer.produce(self.settings.anomalies_topic, value, b"raw")
        assert producer.flush(WAIT_S) == 0

    def member(self, name: str = "one", transactions: type[Transactions] = Transactions, **settings: Any) -> Member:
        stop = Stop()
        beat = self.folder / f"{name}.json"
        read = AlertsSettings.read(**self.common, consumer_id=name, heartbeat_file=beat, **settings)
        clock = SystemClock(stop)
        registry = wait_for_registry(read, clock)
        made = Member(Worker(read, registry, clock, stop, transactions), registry, stop, beat)
        self.members.append(made)
        made.start()
        return made

    def incidents(self) -> dict[str, Incident]:
        """By id, as they stand on the topic."""
        found: dict[str, Incident] = {}
        for record in read_topic(self.settings, self.settings.incidents_topic):
            assert record.key is not None
            if record.value is None:
                found.pop(record.key, None)
            else:
                found[record.key] = Incident.from_avro(record.value)
        return found

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        deadline = self.clock.monotonic() + WAIT_S
        while not reached():
            broken = [member.error for member in self.members if member.error is not None]
            assert not broken, f"a member ended while waiting for {what}: {broken}"
            assert self.clock.monotonic() < deadline, f"no {what} within {WAIT_S} s"
            self.clock.sleep(0.05)
