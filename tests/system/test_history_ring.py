"""A ring of three nodes on this machine: one is killed under load, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from consumer_history.cassandra_chunks import ChunkStore
from consumer_history.cassandra_rows import RowStore
from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.connection import Connection
from consumer_history.migrate import migrate
from consumer_history.store import EventBatch, HistoryStore, StoreAwayError
from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.ports import is_free, pick_free
from kafka_cluster.embedded.ring import Ring
from kafka_cluster.embedded.settings import LabSettings

pytestmark = [pytest.mark.system, pytest.mark.slow]

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
BATCH, BATCHES_BEFORE, BATCHES_AFTER = 2_000, 5, 15


def ring_on(hosts: Sequence[str], folder: Path) -> Ring:
    native, storage = pick_free(2)
    if not all(is_free(native, host) for host in hosts):
        pytest.skip(f"the loopback interface has not all of {', '.join(hosts)}")
    settings = LabSettings.read(
        lab_var=folder, lab_port_offset=0, lab_cassandra_port=native, lab_cassandra_storage_port=storage
    )
    made = Ring(settings, hosts)
    made.up()
    return made


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    made = ring_on(HOSTS, tmp_path_factory.mktemp("ring"))
    yield made
    made.down()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Ring]:
    made = ring_on(HOSTS[:1], tmp_path)
    yield made
    made.down()


def events(number: int) -> EventBatch:
    offsets = np.arange(number * BATCH, (number + 1) * BATCH, dtype=np.int64)
    return EventBatch(offsets % 97, offsets, np.sqrt(offsets), np.zeros(BATCH, np.int32), offsets)


class Load(threading.Thread):
    """Appends batch after batch, each again until it is stored, as a worker does."""

    def __init__(self, stores: list[HistoryStore]) -> None:
        super().__init__(daemon=True)
        self._stores, self.done, self.error = stores, 0, ""
        self.half_way = threading.Event()

    def run(self) -> None:
        for number in range(BATCHES_BEFORE + BATCHES_AFTER):
            for store in self._stores:
                self._store(store, events(number))
            self.done = number + 1
            if self.done == BATCHES_BEFORE:
                self.half_way.set()

    def _store(self, store: HistoryStore, batch: EventBatch) -> None:
        for _ in range(5):
            try:
                return store.append(batch)
            except StoreAwayError as error:
                self.error = str(error)
        return None


def ring_settings(ring: Ring, **more: object) -> CassandraSettings:
    return CassandraSettings.read(
        cassandra_contact_points=",".join(HOSTS),
        cassandra_port=ring.port,
        cassandra_replication_factor=3,
        cassandra_consistency="LOCAL_QUORUM",
        **more,
    )


def offsets(store: HistoryStore) -> list[int]:
    return [int(one) for found in store.last({0: 1 << 60}, 50) for one in found.offsets]


def test_a_node_that_hangs_holds_up_no_reader(ring: Ring) -> None:
    migrate(ring_settings(ring), SystemClock())
    patient = ring_settings(ring, history_timeout_s=10, history_attempts=1)
    with Connection(patient, SystemClock()) as connection:
        stores: list[HistoryStore] = [RowStore(connection, "hangs"), ChunkStore(connection, "hangs")]
        for store in stores:
            store.append(events(0))
        for host in HOSTS:  # whichever of them the driver would ask first; a single attempt has to do
            ring.freeze(host)
            try:
                assert [offsets(store) for store in stores] == [list(range(BATCH))] * 2
            finally:
                ring.thaw(host)


def test_a_node_killed_under_load_loses_nothing(ring: Ring) -> None:
    settings, clock = ring_settings(ring), SystemClock()
    migrate(settings, clock)
    with Connection(settings, clock) as connection:
        stores: list[HistoryStore] = [RowStore(connection, "ring"), ChunkStore(connection, "ring")]
        load = Load(stores)
        load.start()
        assert load.half_way.wait(60)
        ring.kill(HOSTS[2])
        load.join(90)
        assert load.done == BATCHES_BEFORE + BATCHES_AFTER, load.error
        sent = [events(number) for number in range(load.done)]
        for store in stores:
            found = list(store.last({0: 1 << 60}, 50))
            for column in ("offsets", "keys", "values"):
                expected = np.concatenate([getattr(one, column) for one in sent])
                assert np.array_equal(np.concatenate([getattr(one, column) for one in found]), expected)


def test_what_was_acknowledged_outlives_a_kill_and_what_was_not_is_stored_when_it_is_back(alone: Ring) -> None:
    settings = CassandraSettings.read(
        cassandra_contact_points=HOSTS[0], cassandra_port=alone.port, history_attempts=2, history_timeout_s=2
    )
    clock = SystemClock()
    migrate(settings.model_copy(update={"history_attempts": 5, "history_timeout_s": 20}), clock)
    with Connection(settings, clock) as connection:
        stores: list[HistoryStore] = [RowStore(connection, "alone"), ChunkStore(connection, "alone")]
        for store in stores:
            store.append(events(0))
        alone.kill(HOSTS[0])
        for store in stores:
            with pytest.raises(StoreAwayError, match="Cassandra at"):
                store.append(events(1))
        alone.up()
        deadline = clock.monotonic() + 60
        for store in stores:
            while not stored(store, events(1)):
                assert clock.monotonic() < deadline
                clock.sleep(0.5)
            assert offsets(store) == list(range(2 * BATCH))


def stored(store: HistoryStore, batch: EventBatch) -> bool:
    try:
        store.append(batch)
    except StoreAwayError:
        return False
    return True
