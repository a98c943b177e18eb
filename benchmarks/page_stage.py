"""Where the page plays: a cluster of its own, generated series half replayed, a model, two consumers, and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from confluent_kafka import Producer

from commands.demo_processes import Program, start, wait_for
from commands.lab_settings import LabSettings
from kafka_cluster import clients
from kafka_cluster import dataset as datasets
from kafka_cluster.clock import SystemClock
from kafka_cluster.codec import Encoder
from kafka_cluster.dataset import DATASET_FILE
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.prepare import PrepareSettings, prepare, wait_for_registry
from kafka_cluster.registry import subject_of
from kafka_cluster.schemas import TIMESTAMP, load_schema
from kafka_cluster.settings import KafkaSettings
from producer.data_settings import DataSettings
from producer.load import load
from producer.prepare import prepare as prepare_data

Say = Callable[[str], None]
PARTITIONS, KEYS = 4, 12
REPLAYED_BEFORE = 0.6
LIVE_PER_S = 40
TIMEOUT_S = 120.0
BAD_VALUES = (b"", b"\x01not framed", b"\x00\x00\x00\xff\xffof no schema")
STEP_MS, DAY_MS = 300_000, 86_400_000
USUAL = {"network": 1.7e6, "disk": 8e5, "cpu": 45.0}  # of the generated series at noon
SPIKE = {"network": 4e9, "disk": 4e9, "cpu": 100.0}


@dataclass
class PageStage:
    """What runs. `spike` sends one record as strange as can be."""

    settings: KafkaSettings
    url: str
    programs: dict[str, Program]
    last_ms: int
    encoder: Encoder
    producer: Producer
    clock: SystemClock = field(default_factory=SystemClock)

    def spike(self) -> str:
        """One record, five minutes after the last; it is delivered when this returns its key, which no other has."""
        self.last_ms += STEP_MS
        key = f"spike-{self.last_ms}"
        self.send(self.encoder.encode({**SPIKE, TIMESTAMP: self.last_ms}), key=key.encode())
        return key

    def ordinary(self, count: int) -> list[bytes]:
        """So many framed records in which nothing is strange, of a noon after the series."""
        random = np.random.default_rng(0)
        noon_ms = (self.last_ms // DAY_MS + 1) * DAY_MS + DAY_MS // 2
        rows = (np.asarray(list(USUAL.values())) * random.uniform(0.9, 1.1, (count, len(USUAL)))).tolist()
        return [
            self.encoder.encode({**dict(zip(USUAL, row, strict=True)), TIMESTAMP: noon_ms + at})
            for at, row in enumerate(rows)
        ]

    def send(self, *values: bytes, key: bytes = b"host") -> None:
        """Raw values onto the metrics topic."""
        for value in values:
            self.producer.produce(self.settings.metrics_topic, value, key)
        self.producer.flush(TIMEOUT_S)

    def wait(self, name: str, reached: Callable[[dict[str, Any]], bool], what: str) -> None:
        """Until the heartbeat of a program says so."""
        wait_for(self.programs[name], reached, what, TIMEOUT_S, self.clock)


@contextmanager
def page_stage(lab: LabSettings, say: Say) -> Iterator[PageStage]:
    """All of it, for as long as the block lasts; the rest of the series, and then all of it again, goes on arriving."""
    cluster = Cluster(lab)
    cluster.wipe()
    programs: dict[str, Program] = {}
    say("generating series, starting a cluster")
    dataset = prepare_data(lab.lab_var / "data", DataSettings.read(lab_offline=True, nab_checkouts=(), lab_data=None))
    env = cluster.up(leashed=True).env()
    try:
        given: dict[str, Any] = {name.lower(): value for name, value in env.items()}
        clock = SystemClock()
        prepare(PrepareSettings.read(**given, partitions=PARTITIONS), clock)
        settings = KafkaSettings.read(**given)
        with wait_for_registry(settings, clock) as registry:
            schema = load_schema("metric")
            encoder = Encoder(schema, registry.register(subject_of(settings.metrics_topic), schema))
        for name, (module, more) in _programs(
            lab, dataset.records or len(load(datasets.read(dataset.root)).times_ms)
        ).items():
            programs[name] = start(module, name, lab.lab_var, env | more, leashed=True)
        say("waiting for a model, two consumers and the page")
        wait_for(programs["training"], lambda beat: "bundle" in beat, "a model", TIMEOUT_S, clock)
        for name in ("one", "two"):
            wait_for(programs[name], lambda beat: bool(beat.get("partitions")), "partitions", TIMEOUT_S, clock)
        url = wait_for(programs["page"], lambda beat: "url" in beat, "an address", TIMEOUT_S, clock)["url"]
        last_ms = int(load(dataset).times_ms[-1])
        with closing(clients.producer(settings, **{"linger.ms": 0})) as sender:
            yield PageStage(settings, url, programs, last_ms, encoder, sender)
    finally:
        for program in reversed(programs.values()):
            program.stop()
        cluster.wipe()


def _programs(lab: LabSettings, records: int) -> dict[str, tuple[str, dict[str, str]]]:
    """By name: module, and what it reads from its environment beside the addresses."""
    file, models = str(lab.lab_var / "data" / DATASET_FILE), {"MODELS_DIR": str(lab.lab_var / "models")}
    replay = {"REPLAY_HISTORY": str(REPLAYED_BEFORE), "REPLAY_RATE": str(LIVE_PER_S), "REPLAY_KEYS": str(KEYS)}
    replay["REPLAY_LOOP"] = "true"  # so that there is something to see until it is stopped
    return {
        "producer": ("producer", {"DATASET": file, **replay}),
        "training": ("consumer_training", {"TRAINING_DATASET": file, "TRAINING_WAIT_FOR": str(records), **models}),
        "one": ("consumer_prediction", {"CONSUMER_ID": "prediction-1", **models}),
        "two": ("consumer_prediction", {"CONSUMER_ID": "prediction-2", **models}),
        "alerts": ("consumer_alerts", {"CONSUMER_ID": "alerts-1"}),
        "page": ("dashboard", {"DASHBOARD_DATASET": file, "DASHBOARD_PORT": "0", **models}),
    }
