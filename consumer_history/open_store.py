"""The store that the settings name."""

from __future__ import annotations

from consumer_history.baseline import BaselineStore
from consumer_history.cassandra_chunks import ChunkStore
from consumer_history.cassandra_rows import RowStore
from consumer_history.connection import wait_for_cassandra
from consumer_history.migrate import migrate
from consumer_history.settings import HistorySettings
from consumer_history.store import HistoryStore
from consumer_history.topic_log import TopicLog
from kafka_cluster.clock import Clock
from kafka_cluster.registry import Registry


def open_store(settings: HistorySettings, registry: Registry, clock: Clock) -> HistoryStore:
    """Connected, its tables made where they are missing. Raises LabError when there is nothing to connect to."""
    if settings.history_store == "memory":
        return TopicLog(settings, registry)
    migrate(settings, clock)
    connection = wait_for_cassandra(settings, clock, settings.startup_timeout_s)
    if settings.history_store == "rows":
        return RowStore(connection, settings.events_topic)
    if settings.history_store == "chunks":
        return ChunkStore(connection, settings.events_topic)
    return BaselineStore(connection)
