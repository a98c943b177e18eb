"""The Kafka broker, registered in ZooKeeper."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from kafka_cluster.embedded.artifacts import ArtifactStore
from kafka_cluster.embedded.server import (
    ASK_TIMEOUT_S,
    HOST,
    WIPE,
    Server,
    four_letters,
    listens,
    write_properties,
)
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.errors import LabError

# The lab has one broker: every internal topic has one replica, and few partitions to be quick at the first start.
INTERNAL_TOPIC_PARTITIONS = 8
PARTITION_FOLDER = re.compile(r"(.+)-\d+")

_quiet = logging.getLogger("kafka_cluster.embedded.librdkafka")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False  # a refused connection is what we ask about, not news


class Broker(Server):
    """Ready when it answers a metadata request, and knows its controller and the topics that it had."""

    name = "broker"
    artifacts = "kafka"
    port_variable = "LAB_BROKER_PORT"

    def __init__(self, settings: LabSettings, store: ArtifactStore, port: int, zookeeper_port: int) -> None:
        super().__init__(settings, store, port)
        self._zookeeper_port = zookeeper_port
        self._zookeeper_data = settings.lab_var / "cluster" / "zookeeper" / "data" / "version-2"

    def check(self) -> None:
        """The two half-written states: partitions without identity, and an identity that ZooKeeper forgot."""
        if not self.data.is_dir():
            return
        identity = self.data / "meta.properties"
        if not identity.is_file():
            if any(one.is_dir() for one in self.data.iterdir()):
                raise LabError(str(self.data), "half-written: partitions, but no meta.properties", WIPE)
        elif "cluster.id=" not in identity.read_text():
            raise LabError(str(identity), "half-written: it names no cluster", WIPE)
        elif not self._zookeeper_data.is_dir():
            raise LabError(str(self.data), "belongs to a cluster that ZooKeeper no longer knows", WIPE)

    def prepare(self) -> None:
        """Write server.properties."""
        super().prepare()
        write_properties(self.home / "server.properties", self._properties())

    def _properties(self) -> dict[str, object]:
        return {
            "broker.id": 0,
            "listeners": f"PLAINTEXT://{self.address}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "log.dirs": self.data,
            "zookeeper.connect": f"{HOST}:{self._zookeeper_port}",
            "zookeeper.connection.timeout.ms": 60000,  # it may be started at the same time as we
            # After a kill the broker's registration outlives it by so much, and holds up its successor.
            "zookeeper.session.timeout.ms": 6000,
            "auto.create.topics.enable": "false",
            "num.partitions": 4,
            "default.replication.factor": 1,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": INTERNAL_TOPIC_PARTITIONS,
            # A group that is away for longer starts anew, and does twice what it had done. The default is a week.
            "offsets.retention.minutes": 525_600,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": INTERNAL_TOPIC_PARTITIONS,
            # A member lost inside a transaction holds up its successor until this looks; the default is 10 s.
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
            "group.initial.rebalance.delay.ms": 0,
            "compression.type": "producer",
            # By size alone: a lab's records are few, and may be looked at again much later.
            "log.retention.ms": -1,
            "log.retention.bytes": 1 << 30,
            "log.segment.bytes": 1 << 27,
            "num.recovery.threads.per.data.dir": 2,
            "num.network.threads": 3,
            "num.io.threads": 4,
        }

    def may_start(self) -> bool:
        """A broker killed a moment ago is still registered; a second registration would be refused."""
        if not self._zookeeper_data.is_dir():
            return True  # nobody ever registered there: no need to wait for ZooKeeper
        sessions = four_letters(self._zookeeper_port, "dump")
        served = "ephemeral nodes dump" in sessions  # before that it answers, but not with what it holds
        return served and "/brokers/ids/0" not in sessions

    def command(self) -> Sequence[str]:
        """Both compiler tiers: throughput matters here."""
        return [
            *self.java_with_jars("-Xms128m", "-Xmx512m", "-XX:+UseG1GC", f"-Dkafka.logs.dir={self.scratch}"),
            "kafka.Kafka",
            str(self.home / "server.properties"),
        ]

    def is_ready(self) -> bool:
        """Ask for the metadata, as any client does first."""
        if not listens(self.port):
            return False
        client = AdminClient({"bootstrap.servers": self.address}, logger=_quiet)
        try:
            metadata = client.list_topics(timeout=ASK_TIMEOUT_S)
        except KafkaException:
            return False
        # A broker that has just come back knows itself for a moment, and none of its topics.
        kept = self._kept_topics()
        knows_topics = not kept or not kept.isdisjoint(metadata.topics)
        return bool(metadata.brokers) and metadata.controller_id >= 0 and knows_topics

    def _kept_topics(self) -> set[str]:
        """Those that it holds partitions of; what is being deleted has another ending."""
        folders = self.data.iterdir() if self.data.is_dir() else ()
        return {found[1] for one in folders if (found := PARTITION_FOLDER.fullmatch(one.name))}

    def way_out(self, log_tail: str) -> str:
        """Name what is known."""
        if "Invalid cluster.id" in log_tail or "InconsistentClusterId" in log_tail:
            return WIPE
        return super().way_out(log_tail)
