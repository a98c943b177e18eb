"""A batch of messages, with as few calls a message as can be: at full speed each call costs two per cent."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import cast

import numpy as np
import numpy.typing as npt
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message, TopicPartition

from kafka_cluster.dead_letters import ClientHeaders, DeadLetter, own, replays
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger

log = get_logger()


class ConsumedBatch:
    """What one call of `consume` gave, without the client's own events."""

    def __init__(self, topic: str, messages: list[Message]) -> None:
        self.topic, self._messages = topic, messages
        self.values: list[bytes | None] = list(map(Message.value, messages))

    def __len__(self) -> int:
        return len(self._messages)

    def address(self, row: int) -> tuple[int, int]:
        """Partition and offset of a record."""
        message = self._messages[row]
        return cast(int, message.partition()), cast(int, message.offset())

    def addresses(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Partition and offset of every record, shape (n,) each.

        Messages come in runs of a partition. Within a run offsets rise, so that the first and the last one tell
        whether any is missing in between; only then is each message asked.
        """
        n = len(self._messages)
        partitions = np.fromiter(map(Message.partition, self._messages), np.int32, n)
        offsets = np.empty(n, np.int64)
        edges = [0, *(np.flatnonzero(np.diff(partitions)) + 1).tolist(), n] if n else []
        for begin, end in pairwise(edges):
            first, last = self.address(begin)[1], self.address(end - 1)[1]
            if last - first == end - 1 - begin:
                offsets[begin:end] = np.arange(first, last + 1)
            else:
                offsets[begin:end] = [self.address(row)[1] for row in range(begin, end)]
        return partitions, offsets

    def key(self, row: int) -> bytes | None:
        """The key of a record."""
        return self._messages[row].key()

    def keys(self) -> list[bytes | None]:
        """The key of every record."""
        return list(map(Message.key, self._messages))

    def partitions(self) -> list[int]:
        """The partition of every record."""
        return cast(list[int], list(map(Message.partition, self._messages)))

    def offsets(self) -> list[int]:
        """The offset of every record."""
        return cast(list[int], list(map(Message.offset, self._messages)))

    def timestamp_ms(self, row: int) -> int:
        """The Kafka timestamp of a record."""
        return int(self._messages[row].timestamp()[1])

    def appended_ms(self, row: int) -> int | None:
        """When the broker took a record, ms since the epoch; None where the topic keeps the sender's time."""
        kind, time_ms = self._messages[row].timestamp()
        return int(time_ms) if kind == TIMESTAMP_LOG_APPEND_TIME else None

    def with_headers(self) -> list[tuple[int, ClientHeaders]]:
        """The rows of records that have headers, with them."""
        headers = list(map(Message.headers, self._messages))
        if headers.count(None) == len(headers):
            return []
        return [(row, found) for row, found in enumerate(headers) if found]

    def dead_letter(self, row: int, error: str, reason: str) -> DeadLetter:
        """A record of the batch, its bytes untouched, and why nobody could use it."""
        partition, offset = self.address(row)
        key, value, timestamp_ms = self.key(row), self.values[row], self.timestamp_ms(row)
        headers = self._messages[row].headers()
        again = replays(headers)
        return DeadLetter(self.topic, partition, offset, key, value, timestamp_ms, error, reason, again, own(headers))

    def firsts(self) -> dict[int, int]:
        """By partition, the first offset in the batch."""
        first: dict[int, int] = {}
        for message in self._messages:
            first.setdefault(cast(int, message.partition()), cast(int, message.offset()))
        return first

    def nexts(self) -> list[TopicPartition]:
        """By partition, the offset after the last one in the batch: what is to be committed.

        Not the client's own position: after a seek it still stands behind the batch that was undone, until the
        partition gives its next record.
        """
        last = [self.address(row) for row in self.lasts.values()]
        return [TopicPartition(self.topic, partition, offset + 1) for partition, offset in last]

    @cached_property
    def lasts(self) -> dict[int, int]:
        """By partition, the row of its last record."""
        backwards = cast(list[int], list(map(Message.partition, reversed(self._messages))))
        return {partition: len(self) - 1 - backwards.index(partition) for partition in set(backwards)}


def records_of(messages: list[Message]) -> list[Message]:
    """The messages that are records. Raises LabError for an event that ends this member."""
    errors = list(map(Message.error, messages))
    if errors.count(None) == len(errors):
        return messages
    for message, error in zip(messages, errors, strict=True):
        if error is not None and error.fatal():
            raise LabError("consumer", error.str(), "another process may have the same CONSUMER_ID")
        if error is not None:
            place = {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
            log.warning("consumer", **place, error=error.str())
    return [message for message, error in zip(messages, errors, strict=True) if error is None]
