"""Where the bench plays: a cluster of its own, a model, and for each measurement a filled topic behind a gate."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.gate import Gate
from benchmarks.load import encoded, fill, readings
from benchmarks.members import Speed, measure
from consumer_training.fit import Fitted, fit
from consumer_training.publish import announce, write_bundle
from consumer_training.rows import Rows, Split
from consumer_training.settings import TrainingSettings
from kafka_cluster import clients
from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.prepare import PrepareSettings, prepare, wait_for_registry
from kafka_cluster.registry import HttpRegistry
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.topics import ensure_topics, topic_specs

Say = Callable[[str], None]
Filling = Callable[[KafkaSettings, list[bytes], int, int], float]  # as benchmarks.load.fill
TRAINING_ROWS = 20_000
CONTAMINATION = 0.02
RAW, SCORING = "benchmarks.raw_consumer", "consumer_prediction"


@dataclass(frozen=True)
class Load:
    """A filled topic. Readers see its records from the moment the gate is open."""

    settings: KafkaSettings
    records: int
    partitions: int
    gate: Gate
    produce_per_s: float


class Stage:
    """The running cluster, its addresses, a champion, and a pool of values to send."""

    def __init__(self, lab: LabSettings, addresses: dict[str, str], registry: HttpRegistry, say: Say) -> None:
        self.lab, self.addresses, self.registry, self.say = lab, addresses, registry, say
        self.clock = SystemClock()
        self.given: dict[str, Any] = {name.lower(): value for name, value in addresses.items()}
        self.settings = KafkaSettings.read(**self.given)
        self.fitted = self._publish_model()
        self.values = encoded(self.settings, registry)
        self._topics = 0

    @contextmanager
    def load(self, records: int, keys: int, partitions: int, filling: Filling = fill) -> Iterator[Load]:
        """A topic of its own with so many records, closed; it is deleted in the end."""
        self._topics += 1
        settings = KafkaSettings.read(**self.given, metrics_topic=f"load-{self._topics}")
        admin = clients.admin_client(settings)
        ensure_topics(admin, topic_specs(settings, partitions)[:1], 1)
        try:
            with Gate(settings, partitions) as gate:
                took_s = filling(settings, self.values, records, keys)
                yield Load(settings, records, partitions, gate, records / took_s)
        finally:
            for future in admin.delete_topics([settings.metrics_topic]).values():
                future.result()

    def env(self, group: str, **more: Any) -> dict[str, str]:
        """What a member reads from its environment."""
        fixed = {"MODELS_DIR": str(self.lab.lab_var / "models"), "PREDICTION_START": "earliest",
                 "LOG_LEVEL": "WARNING", "PREDICTION_LOG_LIMIT": "0", "PREDICTION_GROUP": group}  # fmt: skip
        return {**self.addresses, **fixed, **{name: str(value) for name, value in more.items()}}

    def measure(self, load: Load, module: str, consumers: int, **more: Any) -> Speed:
        """The speed of so many members on a load that nobody has read yet."""
        topic = load.settings.metrics_topic
        names = [f"bench-{number}" for number in range(1, consumers + 1)]
        env = self.env(f"{topic}-{module}", METRICS_TOPIC=topic, **more)
        go = load.gate.open
        return measure(module, names, self.lab.lab_var, env, load.records, load.partitions, go, self.clock)

    def _publish_model(self) -> Fitted:
        training = TrainingSettings.read(
            **self.given, training_contamination=CONTAMINATION, models_dir=self.lab.lab_var / "models"
        )
        times, values = readings(TRAINING_ROWS)
        index = np.arange(TRAINING_ROWS, dtype=np.int64)
        rows = Rows(times, values, index * 0, index)
        fitted = fit(rows, training, "bench")
        written = write_bundle(fitted, Split(rows, rows[:0], {}), training, {})
        announce(training, self.clock, written, None)
        return fitted


@contextmanager
def stage(lab: LabSettings, partitions: int, say: Say) -> Iterator[Stage]:
    """A cluster under `lab.lab_var` with the lab's topics, for as long as the block lasts."""
    cluster = Cluster(lab)
    cluster.wipe()
    shutil.rmtree(lab.lab_var / "models", ignore_errors=True)
    say("starting a cluster")
    addresses = cluster.up(leashed=True).env()
    try:
        given: dict[str, Any] = {name.lower(): value for name, value in addresses.items()}
        settings = PrepareSettings.read(**given, partitions=partitions)
        prepare(settings, SystemClock())
        with wait_for_registry(settings, SystemClock()) as registry:
            yield Stage(lab, addresses, registry, say)
    finally:
        cluster.wipe()
