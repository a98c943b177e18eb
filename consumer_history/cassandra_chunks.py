"""The chunks store: one row for the events of a micro-batch and Kafka partition, as packed columns. The quickest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from consumer_history.bucket_store import BucketStore
from consumer_history.buckets import by_bucket
from consumer_history.chunk_codec import (
    pack_integers,
    pack_steps,
    pack_values,
    unpack_integers,
    unpack_steps,
    unpack_values,
)
from consumer_history.connection import Connection
from consumer_history.store import EventBatch
from consumer_history.writes import Send, write_all

PAGE_CHUNKS = 32  # of 8,192 events each: 4 MB
COLUMNS = "first_offset, last_offset, events, offsets, keys, times, values"
INSERT = f"INSERT INTO chunks (topic, partition, bucket, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of ours
SELECT = f"SELECT {COLUMNS} FROM chunks WHERE topic = ? AND partition = ? AND bucket = ?"  # noqa: S608 - names of ours


class ChunkStore(BucketStore):
    """A HistoryStore over the table `chunks`."""

    def __init__(self, connection: Connection, topic: str) -> None:
        super().__init__(connection, topic, "chunks")
        self._insert, self._select = connection.prepare(INSERT), connection.prepare(SELECT)

    def append(self, batch: EventBatch) -> None:
        """Chunks of at most `history_events_a_chunk`; returns when all are acknowledged. Raises StoreAwayError."""
        write_all(self._connection, self._requests(batch))

    def _requests(self, batch: EventBatch) -> Iterator[Send]:
        size = self._connection.settings.history_events_a_chunk
        for partition, bucket, part in by_bucket(batch):
            for first in range(0, len(part), size):
                chunk = part.take(slice(first, first + size))
                bound = self._insert.bind((self._topic, partition, bucket, *packed(chunk)))
                self.rows += 1
                yield partial(self._connection.session.execute_async, bound)
            yield self._buckets.note(partition, bucket)

    def _stored(self, partition: int, buckets: Sequence[int], begin: int, end: int) -> Iterator[EventBatch]:
        seen = begin - 1
        for bucket in buckets:
            for row in self._connection.rows(self._select, self._topic, partition, bucket, page=PAGE_CHUNKS):
                found = _between(unpacked(partition, row), seen, end)
                if len(found):
                    seen = int(found.offsets[-1])
                yield found


def packed(chunk: EventBatch) -> tuple[Any, ...]:
    """The row of a chunk: COLUMNS in order. Its events are of one partition, in the order of their offsets."""
    return (
        int(chunk.offsets[0]), int(chunk.offsets[-1]), len(chunk),
        pack_steps(chunk.offsets), pack_integers(chunk.keys), pack_steps(chunk.times_ms), pack_values(chunk.values),
    )  # fmt: skip


def unpacked(partition: int, row: tuple[Any, ...]) -> EventBatch:
    """The chunk of a row. Raises ChunkError."""
    _, _, count, offsets, keys, times, values = row
    return EventBatch(
        unpack_integers(keys, count), unpack_steps(times, count), unpack_values(values, count),
        np.full(count, partition, np.int32), unpack_steps(offsets, count),
    )  # fmt: skip


def _between(chunk: EventBatch, seen: int, end: int) -> EventBatch:
    """Without what an overlapping chunk gave already: a chunk holds every event between its first and its last."""
    first, stop = np.searchsorted(chunk.offsets, [seen + 1, end])
    return chunk.take(slice(int(first), int(stop)))
