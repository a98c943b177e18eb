"""The schema's one-shot, on a real Cassandra; a keyspace of its own for each test."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.connection import Connection
from consumer_history.migrate import migrate, steps
from kafka_cluster.clock import SystemClock
from kafka_cluster.errors import LabError

pytestmark = pytest.mark.integration
VERSIONS = [step.version for step in steps()]


@pytest.fixture
def settings(cassandra: dict[str, str]) -> CassandraSettings:
    return CassandraSettings.read(**cassandra, cassandra_keyspace=f"test_{uuid.uuid4().hex[:12]}")


def ttls(settings: CassandraSettings) -> dict[str, int]:
    with Connection(settings, SystemClock()) as connection:
        select = "SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = ?"
        return dict(connection.rows(connection.prepare(select), settings.cassandra_keyspace))


def test_it_makes_the_tables_once_and_then_nothing(settings: CassandraSettings) -> None:
    assert migrate(settings, SystemClock()) == VERSIONS
    assert ttls(settings).keys() >= {"events", "chunks", "buckets", "data_stream", "schema_version"}
    assert migrate(settings, SystemClock()) == []


def test_of_several_at_once_each_version_is_applied_by_one(settings: CassandraSettings) -> None:
    with ThreadPoolExecutor(3) as pool:
        applied = list(pool.map(lambda _number: migrate(settings, SystemClock()), range(3)))
    assert sorted(version for one in applied for version in one) == VERSIONS


def test_the_time_to_live_follows_its_setting(settings: CassandraSettings) -> None:
    migrate(settings.model_copy(update={"history_ttl_s": 3600}), SystemClock())
    migrate(settings.model_copy(update={"history_ttl_s": 7200}), SystemClock())
    found = ttls(settings)
    assert {found[table] for table in ("events", "chunks", "buckets", "data_stream")} == {7200}


def test_a_file_that_was_changed_after_it_was_applied_is_refused(settings: CassandraSettings) -> None:
    migrate(settings, SystemClock())
    first, *others = steps()
    with pytest.raises(LabError, match=r"0001_history\.cql: was changed after it was applied"):
        migrate(settings, SystemClock(), [replace(first, text=first.text + "\n-- more"), *others])
    assert migrate(settings, SystemClock()) == []  # and the lock was given back


def test_without_the_tables_the_way_out_is_told(settings: CassandraSettings) -> None:
    with pytest.raises(LabError, match=r"python -m consumer_history\.migrate"):
        Connection(settings, SystemClock())
