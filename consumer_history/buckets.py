"""Buckets: so many consecutive offsets of a Kafka partition are one partition of Cassandra, and a table lists them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np

from consumer_history.connection import Connection
from consumer_history.store import EventBatch
from consumer_history.writes import Send

# About 35 bytes an event on disk as rows, 15 as chunks: 10 and 4 MB a bucket.
BUCKET_EVENTS = 1 << 18
Store = Literal["events", "chunks"]


class Buckets:
    """The list of one store's buckets of one topic."""

    def __init__(self, connection: Connection, store: Store, topic: str) -> None:
        self._connection, self._store, self._topic = connection, store, topic
        self._insert = connection.prepare(
            "INSERT INTO buckets (store, topic, partition, bucket, written) VALUES (?, ?, ?, ?, ?)"
        )
        self._select = connection.prepare("SELECT bucket FROM buckets WHERE store = ? AND topic = ? AND partition = ?")

    def note(self, partition: int, bucket: int) -> Send:
        """The request that lists a bucket. Sent with every append to it, so that it outlives what is in it."""
        now_ms = int(self._connection.clock.now() * 1000)
        bound = self._insert.bind((self._store, self._topic, partition, bucket, now_ms))
        return partial(self._connection.session.execute_async, bound)

    def between(self, partition: int, since: int, until: int) -> list[int]:
        """The buckets that may hold offsets from `since` to below `until`, oldest first."""
        rows = self._connection.rows(self._select, self._store, self._topic, partition)
        return sorted(
            bucket for (bucket,) in rows if since // BUCKET_EVENTS <= bucket and bucket * BUCKET_EVENTS < until
        )


def by_bucket(batch: EventBatch) -> Iterator[tuple[int, int, EventBatch]]:
    """Partition, bucket, and the events of the batch that belong there, in the order of their offsets."""
    for partition, part in batch.by_partition():
        ordered = (
            part if np.all(np.diff(part.offsets) > 0) else part.take(np.unique(part.offsets, return_index=True)[1])
        )
        buckets = ordered.offsets // BUCKET_EVENTS
        edges = [0, *(np.flatnonzero(np.diff(buckets)) + 1).tolist(), len(ordered)]
        for first, end in pairwise(edges):
            yield partition, int(buckets[first]), ordered.take(slice(first, end))
