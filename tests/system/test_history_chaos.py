"""A million events through history consumers that are killed and moved about: as if nothing had been."""

from __future__ import annotations

import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions

from benchmarks.faults.member import TRIGGER
from commands.demo_processes import Program, start
from consumer_history.checks import Checks
from consumer_history.open_store import open_store
from consumer_history.settings import HistorySettings
from consumer_history.worker import Worker
from detectors.last_values import Snapshot
from kafka_cluster import clients
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.embedded.cluster import ClusterInfo
from kafka_cluster.prepare import PrepareSettings, prepare, wait_for_registry
from kafka_cluster.read_topic import read_topic
from kafka_cluster.settings import KafkaSettings
from producer.event_run import run as send_events
from producer.event_settings import EventSettings

pytestmark = [pytest.mark.system, pytest.mark.slow]
EVENTS, RATE, KEYS, PARTITIONS = 1_000_000, 80_000, 1_000, 4
WAIT_S = 120.0


class Chaos:
    """Topics of its own, the members on them, and how far their group is."""

    def __init__(self, given: dict[str, Any], folder: Path) -> None:
        one = uuid.uuid4().hex[:8]
        topics = ("metrics", "events", "anomalies", "incidents", "verdicts", "models", "dead_letters")
        self.common = given | {f"{name}_topic": f"{name}-{one}" for name in topics}
        self.common |= {"cassandra_keyspace": f"chaos_{one}", "history_group": f"chaos-{one}"}
        self.folder, self.clock = folder, SystemClock()
        self.members: list[Program] = []
        self._admin = clients.admin_client(KafkaSettings.read(**self.common))
        prepare(PrepareSettings.read(**self.common, partitions=PARTITIONS), self.clock)

    def member(self, name: str) -> Program:
        small = {"HISTORY_BATCH": "8000", "HISTORY_EVENTS_A_CHUNK": "1000", "HISTORY_LOG_LIMIT": "0",
                 "HISTORY_STATE_EVERY": "20000"}  # fmt: skip
        soon = {"SESSION_TIMEOUT_MS": "6000", "TRANSACTION_TIMEOUT_MS": "5000", "HEARTBEAT_EVERY_S": "0.05"}
        env = {key.upper(): str(value) for key, value in self.common.items()} | small | soon
        env |= {"CONSUMER_ID": name, "HISTORY_STORE": "chunks", TRIGGER: str(self.trigger(name))}
        made = start("tests.system.breaking_history_member", name, self.folder, env, leashed=True)
        self.members.append(made)
        return made

    def trigger(self, name: str) -> Path:
        return self.folder / f"{name}.trigger"

    def send(self) -> threading.Thread:
        settings = EventSettings.read(
            **self.common, event_keys=KEYS, event_records=EVENTS, event_rate=RATE, event_seed=3, event_start_ms=0
        )
        sending = threading.Thread(target=send_events, args=(settings, self.clock, Stop()))
        sending.start()
        return sending

    def committed(self) -> dict[int, int]:
        group = ConsumerGroupTopicPartitions(self.common["history_group"])
        (found,) = self._admin.list_consumer_group_offsets([group]).values()
        return {one.partition: max(0, one.offset) for one in found.result().topic_partitions or ()}

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        deadline = self.clock.monotonic() + WAIT_S
        while not reached():
            assert self.clock.monotonic() < deadline, f"no {what} within {WAIT_S} s"
            self.clock.sleep(0.1)

    def wait_for_committed(self, events: int) -> None:
        self.wait(lambda: sum(self.committed().values()) >= events, f"{events} events committed")

    def wait_for_share(self, *members: Program) -> None:
        self.wait(lambda: all(one.beat().get("partitions") for one in members), "share of the partitions")

    def rebuilt(self) -> dict[int, Snapshot]:
        """The states as who took over now would have them."""
        settings = HistorySettings.read(**self.common, history_store="chunks")
        checks, depth = Checks(settings), settings.check_depth
        with wait_for_registry(settings, self.clock) as registry:
            store = open_store(settings, registry, self.clock)
        for partition, offset in self.committed().items():
            saved = store.saved(partition, offset, depth)
            assert saved is not None
            checks.start(partition, offset, saved.state)
            for stored in store.last({partition: offset}, depth, {partition: saved.offset}):
                checks.learn(stored)
        store.close()
        return checks.snapshots()

    def undisturbed(self) -> tuple[dict[int, Snapshot], list[bytes]]:
        """One member, from the first event to the last, on the topic alone: its states, and its anomalies."""
        own = {"anomalies_topic": f"calm-{self.common['anomalies_topic']}", "history_group": "calm"}
        given = self.common | own
        prepare(PrepareSettings.read(**given, partitions=PARTITIONS), self.clock)
        settings = HistorySettings.read(**given, history_store="memory", history_log_limit=0, consumer_id="calm")
        stop = Stop()
        with wait_for_registry(settings, self.clock) as registry:
            store = open_store(settings, registry, self.clock)
            worker = Worker(settings, registry, store, SystemClock(stop), stop)
            working = threading.Thread(target=worker.run)
            working.start()
            try:
                self.wait(lambda: worker.counts.stored >= EVENTS, "end of the undisturbed run")
            finally:
                stop.request()
                working.join()
        return worker.snapshots(), self.anomalies(settings.anomalies_topic)

    def anomalies(self, topic: str) -> list[Any]:
        found = read_topic(KafkaSettings.read(**self.common), topic)
        return sorted(repr((record.key, record.value)) for record in found)


@pytest.fixture
def chaos(cluster: ClusterInfo, cassandra: dict[str, str], tmp_path: Path) -> Iterator[Chaos]:
    given: dict[str, Any] = {name.lower(): value for name, value in cluster.env().items()}
    made = Chaos(given | cassandra, tmp_path)
    yield made
    for member in made.members:
        member.stop()


@pytest.mark.timeout(300)
def test_killed_and_moved_about_the_group_finds_and_keeps_what_one_undisturbed_member_would(chaos: Chaos) -> None:
    one, two = chaos.member("one"), chaos.member("two")
    chaos.wait_for_share(one, two)
    sending = chaos.send()
    chaos.wait_for_committed(EVENTS // 6)
    chaos.trigger("one").write_text(signal.SIGKILL.name)  # in a transaction: all written, nothing decided
    chaos.wait(lambda: not one.process.is_alive(), "death of the first")
    one = chaos.member("one")
    three = chaos.member("three")  # a rebalance under load
    chaos.wait_for_share(one, three)
    os.kill(two.process.pid, signal.SIGKILL)  # wherever it is; it does not come back
    sending.join()
    chaos.wait_for_committed(EVENTS)
    rebuilt_from = sum(program.beat()["rebuilt"] for program in (one, three))
    assert 0 < rebuilt_from < EVENTS // 2  # the rest was in saved states
    states, anomalies = chaos.undisturbed()
    assert len(anomalies) > EVENTS // 500
    assert chaos.anomalies(chaos.common["anomalies_topic"]) == anomalies
    rebuilt = chaos.rebuilt()
    assert rebuilt.keys() == states.keys()
    for partition, state in states.items():
        assert {name: column.tobytes() for name, column in rebuilt[partition].items()} == {
            name: column.tobytes() for name, column in state.items()
        }
