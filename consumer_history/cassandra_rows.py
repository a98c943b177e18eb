"""The rows store: one row an event, readable in CQL, written in large batches of one partition each."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from consumer_history.bucket_store import BucketStore
from consumer_history.buckets import by_bucket
from consumer_history.connection import Connection
from consumer_history.packed_batch import RowPacker, send
from consumer_history.store import EventBatch, Float64s
from consumer_history.writes import Send, write_all

PAGE_ROWS = 20_000
INSERT = "INSERT INTO events (topic, partition, bucket, key, offset, time, value) VALUES (?, ?, ?, ?, ?, ?, ?)"
COLUMNS = {"partition": ">i4", "bucket": ">i8", "key": ">i8", "offset": ">i8", "time": ">i8", "value": ">f8"}
COLUMNS_READ = np.dtype([("key", "i8"), ("offset", "i8"), ("time_ms", "i8"), ("value", "f8")])
BUCKET_OF = "FROM events WHERE topic = ? AND partition = ? AND bucket = ?"


class RowStore(BucketStore):
    """A HistoryStore over the table `events`."""

    def __init__(self, connection: Connection, topic: str) -> None:
        super().__init__(connection, topic, "events")
        self._packer = RowPacker(connection.prepare(INSERT), {"topic": topic.encode()}, COLUMNS)
        self._bucket = connection.prepare(f"SELECT key, offset, toUnixTimestamp(time) AS time_ms, value {BUCKET_OF}")
        self._key = connection.prepare(f"SELECT offset, value {BUCKET_OF} AND key = ? AND offset < ? LIMIT ?")

    def append(self, batch: EventBatch) -> None:
        """One row an event; returns when all are acknowledged. Raises StoreAwayError."""
        write_all(self._connection, self._requests(batch))
        self.rows += len(batch)

    def _requests(self, batch: EventBatch) -> Iterator[Send]:
        rows_a_request = self._connection.settings.history_rows_a_request
        for partition, bucket, part in by_bucket(batch):
            rows = self._packer.pack(
                partition=partition, bucket=bucket, key=part.keys, offset=part.offsets,
                time=part.times_ms, value=part.values,
            )  # fmt: skip
            where = (self._topic.encode(), struct.pack(">i", partition), struct.pack(">q", bucket))
            for first in range(0, len(rows), rows_a_request):
                yield partial(send, self._connection, rows[first : first + rows_a_request], where)
            yield self._buckets.note(partition, bucket)

    def _stored(self, partition: int, buckets: Sequence[int], begin: int, end: int) -> Iterator[EventBatch]:
        for bucket in buckets:
            yield self._read(partition, bucket, begin, end)

    def _read(self, partition: int, bucket: int, begin: int, end: int) -> EventBatch:
        rows = self._connection.rows(self._bucket, self._topic, partition, bucket, page=PAGE_ROWS)
        found = np.fromiter(rows, COLUMNS_READ)
        found = found[(found["offset"] >= begin) & (found["offset"] < end)]
        found = found[np.argsort(found["offset"])]
        partitions = np.full(len(found), partition, np.int32)
        keys, offsets, times_ms, values = (np.ascontiguousarray(found[name]) for name in COLUMNS_READ.names or ())
        return EventBatch(keys, times_ms, values, partitions, offsets)

    def last_of_key(self, partition: int, key: int, until: int, depth: int) -> Float64s:
        """The last `depth` values of one key below the offset `until`, oldest first: one query a bucket."""
        newest: list[float] = []
        for bucket in reversed(self._buckets.between(partition, 0, until)):
            left = depth - len(newest)
            if left <= 0:
                break
            found = self._connection.rows(self._key, self._topic, partition, bucket, key, until, left)
            newest += [value for _, value in found]
        return np.array(newest[::-1], np.float64)
