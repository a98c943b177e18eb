"""A lab of its own for each test, on the session's cluster: topics, group and models that no other test uses."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer_prediction.settings import PredictionSettings
from consumer_prediction.worker import Counts, Worker
from consumer_training.settings import TrainingSettings
from consumer_training.train import Trained, train
from kafka_cluster import clients
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.embedded.cluster import ClusterInfo
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.prepare import PrepareSettings, prepare, wait_for_registry
from kafka_cluster.read_topic import Read, read_topic
from kafka_cluster.records import Anomaly
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.transaction import Transactions
from producer.data_settings import BESIDE, DataSettings
from producer.prepare import prepare as prepare_data
from producer.run import run
from producer.settings import ReplaySettings
from tests.integration.threaded import WAIT_S, Threaded

HAS_REAL_DATA = any((root / "data" / "realAWSCloudwatch").is_dir() for root in BESIDE)


Member = Threaded[Counts]


class Lab:
    """The lab's programs against topics of their own."""

    def __init__(self, info: ClusterInfo, folder: Path) -> None:
        one = uuid.uuid4().hex[:8]
        self.folder, self.clock = folder, SystemClock()
        topics = ("metrics", "events", "connections", "anomalies", "incidents", "verdicts", "models", "dead_letters")
        self.common: dict[str, Any] = {name.lower(): value for name, value in info.env().items()}
        self.common |= {f"{name}_topic": f"{name}-{one}" for name in topics}
        self.models = {"models_dir": folder / "models", "model_name": f"model-{one}"}
        self.group = f"prediction-{one}"
        self.members: list[Member] = []
        self.settings = KafkaSettings.read(**self.common)
        prepare(PrepareSettings.read(**self.common), self.clock)

    def lay_data(self, **settings: Any) -> Path:
        """Lay a data set ready: the real series where they are, else generated ones."""
        prepare_data(self.folder / "data", DataSettings.read(lab_cache=self.folder, lab_offline=True, **settings))
        return self.folder / "data" / "dataset.json"

    def produce(self, **settings: Any) -> int:
        dataset = self.folder / "data" / "dataset.json"
        return run(ReplaySettings.read(**self.common, dataset=dataset, **settings), self.clock, Stop()).delivered

    def send(self, *values: bytes | None, key: bytes = b"host") -> None:
        """Raw values onto the metrics topic."""
        producer = clients.producer(self.settings)
        for value in values:
            producer.produce(self.settings.metrics_topic, value, key)
        assert producer.flush(WAIT_S) == 0

    def train(self, **settings: Any) -> Trained:
        stop = settings.pop("stop", None) or Stop()
        return train(TrainingSettings.read(**self.common, **self.models, **settings), self.clock, stop)

    def member(
        self, name: str, transactions: type[Transactions] = Transactions, meter: Meter = OFF, **settings: Any
    ) -> Member:
        """Start a prediction consumer."""
        stop = Stop()
        beat = self.folder / f"{name}.json"
        read = PredictionSettings.read(
            **self.common, **self.models, prediction_group=self.group, consumer_id=name, heartbeat_file=beat, **settings
        )
        clock = SystemClock(stop)
        registry = wait_for_registry(read, clock)
        made = Member(Worker(read, registry, clock, stop, transactions, meter), registry, stop, beat)
        self.members.append(made)
        made.start()
        return made

    def anomalies(self) -> list[Anomaly]:
        read = read_topic(self.settings, self.settings.anomalies_topic)
        return [Anomaly.from_avro(record.value) for record in read if record.value is not None]

    def dead_letters(self) -> list[Read]:
        return list(read_topic(self.settings, self.settings.dead_letters_topic))

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        deadline = self.clock.monotonic() + WAIT_S
        while not reached():
            broken = [member.error for member in self.members if member.error is not None]
            assert not broken, f"a member ended while waiting for {what}: {broken}"
            assert self.clock.monotonic() < deadline, f"no {what} within {WAIT_S} s"
            self.clock.sleep(0.05)


@pytest.fixture
def lab(cluster: ClusterInfo, tmp_path: Path) -> Iterator[Lab]:
    made = Lab(cluster, tmp_path)
    yield made
    for member in made.members:
        member.end()
