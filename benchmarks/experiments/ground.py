"""Where an experiment plays: a cluster of its own with the lab's topics, and history consumers as processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from commands.demo_processes import Beat, Program, start, wait_for
from commands.lab_settings import LabSettings
from kafka_cluster import clients
from kafka_cluster.clock import Clock, SystemClock
from kafka_cluster.embedded.cassandra import Cassandra
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.errors import LabError
from kafka_cluster.prepare import PrepareSettings, prepare
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.topics import ensure_topics, topic_specs

Say = Callable[[str], None]
CONSUMER = "consumer_history"
JOIN_TIMEOUT_S, THROUGH_TIMEOUT_S = 90.0, 300.0


class Ground:
    """A running cluster, its addresses, and the consumers that were started on it."""

    def __init__(self, lab: LabSettings, addresses: dict[str, str], partitions: int, say: Say) -> None:
        self.lab, self.addresses, self.partitions, self.say = lab, addresses, partitions, say
        self.clock: Clock = SystemClock()
        self.given: dict[str, Any] = {name.lower(): value for name, value in addresses.items()}
        self.settings = KafkaSettings.read(**self.given)
        self._running: list[Program] = []

    def topics(self, **names: str) -> KafkaSettings:
        """The lab's topics under other names, such as `anomalies_topic`; made where they are missing."""
        settings = KafkaSettings.read(**self.given, **names)
        ensure_topics(clients.admin_client(settings), topic_specs(settings, self.partitions), 1)
        return settings

    def consumer(self, name: str, **env: object) -> Program:
        """A history consumer that holds every partition when this returns."""
        fixed = {"CONSUMER_ID": name, "HISTORY_GROUP": name, "LOG_LEVEL": "WARNING", "HISTORY_LOG_LIMIT": "0"}
        given = {key: str(value) for key, value in env.items()}
        program = start(CONSUMER, name, self.lab.lab_var, self.addresses | fixed | given, leashed=True)
        self._running.append(program)
        wait_for(program, self._holds_all, "partitions", JOIN_TIMEOUT_S, self.clock)
        return program

    def through(self, program: Program, events: int) -> Beat:
        """The consumer's heartbeat when it has stored so many events."""
        what = f"{events:,} events stored"
        return wait_for(program, lambda beat: beat.get("stored", 0) >= events, what, THROUGH_TIMEOUT_S, self.clock)

    def beat(self, name: str) -> Beat:
        """The last heartbeat of a consumer. Raises LabError when it has ended."""
        (program,) = (one for one in self._running if one.name == name)
        if not program.process.is_alive():
            raise LabError(name, "ended", f"its log is {program.log}")
        return program.beat()

    def stop(self) -> None:
        """Stop every consumer, cleanly."""
        while self._running:
            self._running.pop().stop()

    def _holds_all(self, beat: Beat) -> bool:
        return len(beat.get("partitions", ())) == self.partitions


@contextmanager
def ground(lab: LabSettings, partitions: int, say: Say, *, cassandra: bool) -> Iterator[Ground]:
    """A cluster under `lab.lab_var`, gone with all its data when the block ends."""
    cluster = Cluster(lab)
    cluster.wipe()
    say("starting a cluster")
    addresses = cluster.up(leashed=True, extra=[Cassandra.name] if cassandra else []).env()
    try:
        given: dict[str, Any] = {name.lower(): value for name, value in addresses.items()}
        prepare(PrepareSettings.read(**given, partitions=partitions), SystemClock())
        made = Ground(lab, addresses, partitions, say)
        try:
            yield made
        finally:
            made.stop()
    finally:
        cluster.wipe()
