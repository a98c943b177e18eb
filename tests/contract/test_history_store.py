"""What every history store promises."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import numpy as np
import pytest

from consumer_history.baseline import BaselineStore
from consumer_history.buckets import BUCKET_EVENTS
from consumer_history.cassandra_chunks import ChunkStore
from consumer_history.cassandra_rows import RowStore
from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.connection import Connection
from consumer_history.memory import MemoryStore
from consumer_history.migrate import migrate
from consumer_history.store import EventBatch, HistoryStore, SavedState
from detectors.last_values import Snapshot
from kafka_cluster.clock import SystemClock

KEYS, PARTITIONS = 7, 2
FAR = 1 << 60


@pytest.fixture(scope="session")
def made(cassandra: dict[str, str]) -> CassandraSettings:
    """The settings of a Cassandra with the tables; small requests, so that a few events are several."""
    settings = CassandraSettings.read(**cassandra, history_rows_a_request=40, history_events_a_chunk=30)
    migrate(settings, SystemClock())
    return settings


IN_CASSANDRA = [pytest.param(kind, marks=pytest.mark.integration) for kind in ("rows", "chunks")]


def opened(kind: str, request: pytest.FixtureRequest) -> HistoryStore:
    """A store that nothing was put into."""
    if kind == "memory":
        return MemoryStore()
    if kind == "baseline":
        settings = request.getfixturevalue("made").model_copy(update={"history_in_flight": 2})
        connection = Connection(settings, SystemClock())
        connection.session.execute("TRUNCATE data_stream")
        return BaselineStore(connection)
    return in_cassandra(kind, request.getfixturevalue("made"), f"topic-{uuid.uuid4().hex}")


def in_cassandra(kind: str, settings: CassandraSettings, topic: str) -> RowStore | ChunkStore:
    connection = Connection(settings, SystemClock())
    return RowStore(connection, topic) if kind == "rows" else ChunkStore(connection, topic)


@pytest.fixture(params=["memory", *IN_CASSANDRA])
def store(request: pytest.FixtureRequest) -> Iterator[HistoryStore]:
    store = opened(request.param, request)
    yield store
    store.close()


@pytest.fixture(params=["memory", *IN_CASSANDRA, pytest.param("baseline", marks=pytest.mark.integration)])
def any_store(request: pytest.FixtureRequest) -> Iterator[HistoryStore]:
    """With the one that knows no offsets, and so cannot be recovered from."""
    store = opened(request.param, request)
    yield store
    store.close()


def events(count: int, first: int = 0) -> EventBatch:
    """`count` events of every partition from the offset `first` on: what Kafka gives, at every reading."""
    offsets = np.tile(np.arange(first, first + count, dtype=np.int64), PARTITIONS)
    partitions = np.repeat(np.arange(PARTITIONS, dtype=np.int32), count)
    keys = (offsets * 5 + partitions) % KEYS
    return EventBatch(keys, 1_700_000_000_000 + offsets * 3, np.sin(offsets * 1.7 + partitions), partitions, offsets)


def read(store: HistoryStore, until: dict[int, int], depth: int = 50) -> EventBatch:
    found = list(store.last(until, depth)) or [events(0)]
    return EventBatch(*(np.concatenate([getattr(one, name) for one in found]) for name in vars(found[0])))


def last_values(batch: EventBatch, until: dict[int, int], depth: int) -> dict[tuple[int, int], list[float]]:
    """By partition and key: the last values below the partition's offset, in order, the plainest way there is."""
    found: dict[tuple[int, int], list[float]] = {}
    for partition, key, offset, value in zip(
        batch.partitions.tolist(), batch.keys.tolist(), batch.offsets.tolist(), batch.values.tolist(), strict=True
    ):
        if offset < until.get(partition, 0):
            found[partition, key] = [*found.get((partition, key), []), value][-depth:]
    return found


@pytest.mark.parametrize("depth", [1, 5, 50])
def test_the_last_values_are_those_of_the_log_bit_for_bit(store: HistoryStore, depth: int) -> None:
    log, until = events(200), {0: 200, 1: 200}
    store.append(log)
    assert last_values(read(store, until, depth), until, depth) == last_values(log, until, depth)


def test_the_answer_is_as_of_the_offset_that_is_asked_for(store: HistoryStore) -> None:
    log, until = events(120), {0: 61, 1: 90}
    store.append(log)
    found = read(store, until)
    assert all(found.offsets[found.partitions == one].max() == end - 1 for one, end in until.items())
    assert last_values(found, until, 50) == last_values(log, until, 50)


def test_only_the_partitions_that_are_asked_for_come(store: HistoryStore) -> None:
    store.append(events(30))
    assert set(read(store, {1: 30}).partitions.tolist()) == {1}


def test_an_event_stored_twice_is_one_event_however_the_batches_are_cut(store: HistoryStore) -> None:
    store.append(events(100))
    store.append(events(45, first=30))
    store.append(events(50, first=75))
    found = read(store, {0: FAR, 1: FAR})
    for one in range(PARTITIONS):
        assert found.offsets[found.partitions == one].tolist() == list(range(125))


def test_an_event_that_is_twice_in_a_batch_is_one_event(store: HistoryStore) -> None:
    log = events(20).take(slice(0, 20))
    store.append(log.take(np.array([*range(15), *range(8, 20)])))
    assert read(store, {0: FAR}).offsets.tolist() == list(range(20))


def test_a_shorter_batch_of_a_second_writer_takes_nothing_away(store: HistoryStore) -> None:
    store.append(events(25))
    store.append(events(10))
    assert len(read(store, {0: FAR})) == 25


def test_every_column_comes_back_as_it_was(store: HistoryStore) -> None:
    values = np.array([0.1, -0.0, 1e308, 5e-324, np.inf, -np.inf, np.nan, 2.5])
    n = len(values)
    times = np.array([0, 1, -1, 1_700_000_000_123, 2**40, 3, 4, 5], np.int64)
    keys = np.array([0, -1, 2**63 - 1, -(2**63), 5, 6, 7, 8], np.int64)
    log = EventBatch(keys, times, values, np.zeros(n, np.int32), np.arange(n, dtype=np.int64))
    store.append(log)
    found = read(store, {0: n})
    assert found.values.tobytes() == values.tobytes()
    for name in ("keys", "times_ms", "partitions", "offsets"):
        assert getattr(found, name).tolist() == getattr(log, name).tolist()
        assert getattr(found, name).dtype == getattr(log, name).dtype


def test_offsets_with_gaps_far_up_and_over_a_buckets_edge(store: HistoryStore) -> None:
    log = events(60, first=10 * BUCKET_EVENTS - 30).take(np.arange(120) % 3 > 0)
    store.append(log)
    until = {0: 10 * BUCKET_EVENTS + 20, 1: FAR}
    assert last_values(read(store, until), until, 50) == last_values(log, until, 50)
    assert len(read(store, {0: 10 * BUCKET_EVENTS})) == 20


def test_nothing_stored_is_nothing_to_recover(any_store: HistoryStore) -> None:
    any_store.append(events(0))
    assert list(any_store.last({0: 100}, 50)) == []
    assert list(any_store.last({}, 50)) == []


def test_within_a_partition_the_events_come_in_the_order_of_their_offsets(store: HistoryStore) -> None:
    for first in (0, 80, 40):
        store.append(events(40, first))
    found = read(store, {0: FAR, 1: FAR})
    for one in range(PARTITIONS):
        assert np.all(np.diff(found.offsets[found.partitions == one]) > 0)


def test_the_answer_is_of_what_was_stored_before_the_question_and_later_batches_change_nothing_in_it(
    store: HistoryStore,
) -> None:
    log = events(20)
    store.append(log)
    before = read(store, {0: FAR, 1: FAR})
    store.append(events(20, first=20))
    assert before.offsets.tolist() == log.offsets.tolist()
    assert len(read(store, {0: FAR, 1: FAR})) == 80


def test_what_a_saved_state_has_is_not_given_again(store: HistoryStore) -> None:
    log = events(60, first=BUCKET_EVENTS - 30)
    store.append(log)
    until, since = {0: FAR, 1: BUCKET_EVENTS + 20}, {0: BUCKET_EVENTS - 7, 1: BUCKET_EVENTS + 5}
    found = np.concatenate(
        [part.offsets - BUCKET_EVENTS + 1_000 * part.partitions for part in store.last(until, 50, since)]
    )
    assert sorted(found.tolist()) == [*range(-7, 30), *range(1_005, 1_020)]
    assert list(store.last({0: 100}, 50, {0: 100})) == []


def state(keys: int, depth: int, seed: int) -> Snapshot:
    random = np.random.default_rng(seed)
    return {
        "keys": random.permutation(np.arange(-5, keys - 5)),
        "seen": random.integers(1, 3 * depth, keys),
        "rings": random.normal(size=(keys, depth)),
    }


def assert_same(found: SavedState | None, offset: int, wanted: Snapshot) -> None:
    assert found is not None
    assert found.offset == offset
    for name, column in wanted.items():
        assert found.state[name].dtype == column.dtype
        assert found.state[name].shape == column.shape
        assert found.state[name].tobytes() == column.tobytes()


def test_a_saved_state_comes_back_bit_for_bit_however_many_keys_it_has(store: HistoryStore) -> None:
    for partition, keys in enumerate((0, 1, 2_048, 5_000)):
        store.save(partition, 70 + partition, state(keys, 4, keys))
    for partition, keys in enumerate((0, 1, 2_048, 5_000)):
        assert_same(store.saved(partition, FAR, 4), 70 + partition, state(keys, 4, keys))


def test_the_saved_state_is_the_newest_up_to_the_offset_of_its_partition_and_depth(store: HistoryStore) -> None:
    store.save(0, 100, state(3, 5, seed=1))
    store.save(0, 200, state(4, 5, seed=2))
    store.save(1, 150, state(5, 5, seed=3))
    store.save(0, 150, state(6, 7, seed=4))
    assert_same(store.saved(0, FAR, 5), 200, state(4, 5, seed=2))
    assert_same(store.saved(0, 200, 5), 200, state(4, 5, seed=2))
    assert_same(store.saved(0, 199, 5), 100, state(3, 5, seed=1))
    assert_same(store.saved(0, 199, 7), 150, state(6, 7, seed=4))
    assert store.saved(0, 99, 5) is None
    assert store.saved(2, FAR, 5) is None


def test_a_state_saved_again_is_one_state(store: HistoryStore) -> None:
    for _ in range(3):
        store.save(0, 100, state(3, 5, seed=1))
    assert_same(store.saved(0, 100, 5), 100, state(3, 5, seed=1))


def test_the_newest_states_are_there_however_many_were_saved(store: HistoryStore) -> None:
    for offset in range(100, 700, 100):
        store.save(0, offset, state(3, 5, seed=offset))
    assert_same(store.saved(0, FAR, 5), 600, state(3, 5, seed=600))
    assert_same(store.saved(0, 599, 5), 500, state(3, 5, seed=500))


@pytest.mark.parametrize("kind", IN_CASSANDRA)
def test_two_writers_of_one_topic_fill_one_history(kind: str, made: CassandraSettings) -> None:
    topic = f"topic-{uuid.uuid4().hex}"
    one, other = (in_cassandra(kind, made, topic) for _ in range(2))
    one.append(events(20))
    other.append(events(30, first=10))
    assert len(read(one, {0: FAR})) == len(read(other, {0: FAR})) == 40
    one.close()
    other.close()


def test_close_may_be_repeated(any_store: HistoryStore) -> None:
    any_store.close()
    any_store.close()


@pytest.mark.integration
def test_the_baseline_reads_back_the_newest_values_of_each_key_however_often_they_were_stored(
    request: pytest.FixtureRequest,
) -> None:
    store = opened("baseline", request)
    assert isinstance(store, BaselineStore)
    log = events(90).take(slice(0, 90))  # of one partition: a millisecond is one event there
    store.append(log)
    store.append(log.take(slice(40, 70)))
    keys = np.array([3, 0, 99, 5, 1, 6], np.int64)
    found = store.read_back(keys, 7)
    wanted = last_values(log, {0: FAR}, 7)
    assert [one.tolist() for one in found] == [wanted.get((0, key), []) for key in keys.tolist()]
    store.close()
