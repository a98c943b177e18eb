"""History consumers against the real broker and registry: what is found, whoever works and however often they stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from confluent_kafka import TopicPartition

from consumer_history.checks import Checks
from consumer_history.memory import MemoryStore
from consumer_history.open_store import open_store
from consumer_history.progress import Counts
from consumer_history.settings import HistorySettings
from consumer_history.store import EventBatch, HistoryStore, StoreAwayError
from consumer_history.worker import Worker
from detectors.cusum import THRESHOLD, Cusum
from kafka_cluster import clients
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.committed import checked_in
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.read_topic import read_topic
from kafka_cluster.transaction import AbortedError, Transactions
from producer.event_run import run as send_events
from producer.event_settings import EventSettings
from tests.integration.conftest import Lab
from tests.integration.threaded import WAIT_S, Threaded

pytestmark = pytest.mark.integration
EVENTS, KEYS = 20_000, 80
Address = tuple[int, int]


Member = Threaded[Counts]


class History:
    """The history group on the topics of a Lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.members = lab, list[Member]()

    def send(self, records: int = EVENTS, start_ms: int = 0, **settings: Any) -> None:
        given = {"event_keys": KEYS, "event_seed": 7, "event_anomalies": 0.3} | settings
        read = EventSettings.read(**self.lab.common, event_records=records, event_start_ms=start_ms, **given)
        send_events(read, self.lab.clock, Stop())

    def settings(self, name: str, **settings: Any) -> HistorySettings:
        given = {"history_store": "memory", "history_batch": 3_000, "heartbeat_every_s": 0.02} | settings
        file = self.lab.folder / f"{name}.json"
        return HistorySettings.read(
            **self.lab.common, history_group=self.lab.group, consumer_id=name, heartbeat_file=file, **given
        )

    def member(
        self,
        name: str,
        store: HistoryStore | None = None,
        transactions: type[Transactions] = Transactions,
        **settings: Any,
    ) -> Member:
        stop, read = Stop(), self.settings(name, **settings)
        clock = SystemClock(stop)
        registry = wait_for_registry(read, clock)
        kept = store or open_store(read, registry, clock)
        made = Member(
            Worker(read, registry, kept, clock, stop, transactions), registry, stop, self.lab.folder / f"{name}.json"
        )
        self.members.append(made)
        made.start()
        return made

    def log(self) -> dict[int, EventBatch]:
        """By partition: all its events."""
        found: dict[int, list[tuple[int, int, float, int, int]]] = {}
        for record in read_topic(self.lab.settings, self.lab.settings.events_topic):
            assert record.value is not None
            of = record.value
            row = (of["id"], of["timestamp"], of["value"], record.partition, record.offset)
            found.setdefault(record.partition, []).append(row)
        kinds = (np.int64, np.int64, np.float64, np.int32, np.int64)
        return {
            one: EventBatch(
                *(np.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True))
            )
            for one, rows in found.items()
        }

    def expected(self, marks: Mapping[int, Any] | None = None) -> dict[Address, float]:
        """Where anomalies are, and their scores: one detector a partition over its whole log at once."""
        found = {}
        for partition, log in self.log().items():
            checked = None if marks is None else marks[partition]
            scores = Cusum().chart(log.keys, log.values, checked).scores()
            rows = np.flatnonzero(scores > THRESHOLD)
            found.update({(partition, int(log.offsets[row])): float(scores[row]) for row in rows})
        return found

    def found(self) -> list[tuple[Address, float]]:
        return sorted(((one.partition, one.offset), one.score) for one in self.lab.anomalies())

    def committed(self) -> dict[int, int]:
        return {one.partition: one.offset for one in self.places()}

    def places(self) -> list[TopicPartition]:
        topic = self.lab.settings.events_topic
        consumer = clients.consumer(self.lab.settings, self.lab.group)
        try:
            return list(consumer.committed([TopicPartition(topic, number) for number in range(4)], timeout=WAIT_S))
        finally:
            consumer.close()

    def wait_for(self, stored: int) -> None:
        self.lab.wait(lambda: self._stored() >= stored, f"{stored} events stored")

    def _stored(self) -> int:
        broken = [member.error for member in self.members if member.error is not None]
        assert not broken, broken
        return sum(member.worker.counts.stored for member in self.members)


@pytest.fixture
def history(lab: Lab) -> Iterator[History]:
    made = History(lab)
    yield made
    for member in made.members:
        member.end()


def test_every_anomaly_of_the_log_is_published_once_bit_for_bit(history: History) -> None:
    history.send()
    history.member("one")
    history.wait_for(EVENTS)
    assert len(history.expected()) > 200
    assert history.found() == sorted(history.expected().items())


def test_a_partition_moves_to_another_member_and_back_without_a_trace(history: History) -> None:
    store = MemoryStore()
    history.send(EVENTS // 2)
    first = history.member("one", store)
    history.wait_for(EVENTS // 4)
    second = history.member("two", store)
    history.lab.wait(lambda: len(second.beat().get("partitions", ())) == 2, "two partitions of the second")
    history.send(EVENTS // 2, event_seed=8)
    history.lab.wait(lambda: second.worker.counts.stored > 0, "events of the second")
    second.end()
    history.lab.wait(lambda: len(first.beat().get("partitions", ())) == 4, "all partitions of the first")
    history.send(EVENTS // 2, event_seed=9)
    history.wait_for(EVENTS * 3 // 2)
    history.lab.wait(lambda: first.beat()["rebuilt"] > 0, "a state rebuilt")
    assert history.found() == sorted(history.expected().items())
    until = dict.fromkeys(range(4), 2 * EVENTS)
    stored = {int(batch.partitions[0]): batch for batch in store.last(until, 50)}
    for partition, log in history.log().items():
        assert stored[partition].offsets.tolist() == log.offsets.tolist()
        assert stored[partition].values.tobytes() == log.values.tobytes()


class Undone(Transactions):
    """Every third transaction is undone at the last moment; every seventh is committed, and the commit not believed."""

    turn = 0

    def commit(self, consumer: Any, outputs: Any, offsets: Any) -> None:
        Undone.turn += 1
        if Undone.turn % 3 == 0:
            raise AbortedError
        super().commit(consumer, outputs, offsets)
        if Undone.turn % 7 == 0:
            raise AbortedError


def test_a_batch_undone_is_done_again_from_the_state_before_it(history: History) -> None:
    history.send()
    member = history.member("one", MemoryStore(), Undone)
    history.lab.wait(lambda: sum(history.committed().values()) >= EVENTS, "all committed")
    member.end()
    assert history.found() == sorted(history.expected().items())


class Slow(MemoryStore):
    """Takes no batch for a while, after the first two."""

    taken = 0

    def append(self, batch: EventBatch) -> None:
        self.taken += 1
        if self.taken in {3, 4}:
            raise StoreAwayError("the store", "is overloaded")
        super().append(batch)


def test_a_store_that_is_away_pauses_the_partitions_says_so_once_and_loses_nothing(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.send()
    member = history.member("one", Slow())
    history.lab.wait(lambda: member.beat().get("state") == "waiting for the store", "a pause")
    history.wait_for(EVENTS)
    assert history.found() == sorted(history.expected().items())
    logged = "".join(capsys.readouterr())
    assert logged.count("waiting for the store") == 1
    assert logged.count("going on") == 1


def test_a_share_is_checked_the_same_events_at_every_run_and_all_are_stored(history: History) -> None:
    store = MemoryStore()
    history.send()
    counts = history.member("one", store, check_probability="1/4").worker.counts
    history.wait_for(EVENTS)
    assert abs(counts.checked - EVENTS / 4) < EVENTS / 50
    assert {checked_in(one.metadata) for one in history.places()} == {0.25}  # where anybody may read it
    marks = {}
    for partition, log in history.log().items():
        checks = Checks(history.settings("reference", check_probability="1/4"))
        checks.start(partition, 0)
        marks[partition] = checks.check(log, 0.25).marks
    assert history.found() == sorted(history.expected(marks).items())
    assert sum(map(len, store.last(dict.fromkeys(range(4), EVENTS), 50))) == EVENTS


def test_past_the_lag_that_is_set_checks_are_left_out_and_the_heartbeat_says_so(history: History) -> None:
    store = MemoryStore()
    history.send()
    member = history.member("one", store, shed_from_records=EVENTS // 100)
    history.wait_for(EVENTS)
    history.send(200, event_seed=9)  # behind by nothing now
    history.wait_for(EVENTS + 200)
    history.lab.wait(lambda: member.beat().get("stored") == EVENTS + 200, "the heartbeat")
    assert member.beat()["checked"] < EVENTS // 2
    assert member.beat()["check_share"] == 1.0
    assert sum(map(len, store.last(dict.fromkeys(range(4), 2 * EVENTS), 50))) == EVENTS + 200


def test_what_is_no_event_is_a_dead_letter_and_holds_nothing_up(history: History) -> None:
    history.send(1_000)
    producer = clients.producer(history.lab.settings)
    for _ in range(5):
        producer.produce(history.lab.settings.events_topic, b"\x00nonsense", b"7")
    assert producer.flush(WAIT_S) == 0
    history.member("one", MemoryStore())
    history.wait_for(1_000)
    history.lab.wait(lambda: len(history.lab.dead_letters()) == 5, "five dead letters")
