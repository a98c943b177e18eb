"""What the stores in Cassandra promise beyond the protocol."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator

import numpy as np
import pytest

from consumer_history.baseline import BaselineStore
from consumer_history.buckets import BUCKET_EVENTS
from consumer_history.cassandra_rows import RowStore
from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.connection import Connection
from consumer_history.migrate import migrate
from consumer_history.store import EventBatch
from kafka_cluster.clock import SystemClock

pytestmark = pytest.mark.integration


@pytest.fixture
def connection(cassandra: dict[str, str]) -> Iterator[Connection]:
    settings = CassandraSettings.read(**cassandra)
    migrate(settings, SystemClock())
    with Connection(settings, SystemClock()) as made:
        yield made


def one_key(count: int, key: int, first: int) -> EventBatch:
    offsets = np.arange(first, first + count, dtype=np.int64)
    return EventBatch(np.full(count, key), offsets * 1000, offsets / 4, np.zeros(count, np.int32), offsets)


def test_the_last_of_a_key_are_one_plain_query_a_bucket(connection: Connection) -> None:
    topic = f"t-{uuid.uuid4().hex}"
    store = RowStore(connection, topic)
    store.append(one_key(40, 7, BUCKET_EVENTS - 20))
    cql = "SELECT offset, value FROM events WHERE topic = ? AND partition = 0 AND bucket = 1 AND key = 7 LIMIT 3"
    newest = [(BUCKET_EVENTS + at, (BUCKET_EVENTS + at) / 4) for at in (19, 18, 17)]
    assert list(connection.rows(connection.prepare(cql), topic)) == newest
    found = store.last_of_key(0, 7, BUCKET_EVENTS + 10, 25)
    assert found.tolist() == [offset / 4 for offset in range(BUCKET_EVENTS - 15, BUCKET_EVENTS + 10)]


def test_the_end_of_a_request_does_not_wait_for_the_acknowledgement_of_its_beginning(connection: Connection) -> None:
    opened = connection.session.cluster.control_connection._connection._socket
    assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_rows_expire(connection: Connection) -> None:
    topic = f"t-{uuid.uuid4().hex}"
    RowStore(connection, topic).append(one_key(1, 1, 0))
    cql = "SELECT TTL(value) FROM events WHERE topic = ? AND partition = 0 AND bucket = 0"
    ((left_s,),) = connection.rows(connection.prepare(cql), topic)
    assert 0 < left_s <= connection.settings.history_ttl_s


def test_the_baseline_reads_back_the_newest_of_each_key(connection: Connection) -> None:
    store, keys = BaselineStore(connection), np.array([910_001, 910_002])
    for key in keys.tolist():
        store.append(one_key(60, key, key))
    found = store.read_back(keys, 50)
    assert [one.tolist() for one in found] == [[(key + at) / 4 for at in range(10, 60)] for key in keys.tolist()]
