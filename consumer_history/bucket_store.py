"""What the two stores in buckets of offsets have in common; how a bucket is written and read is their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from consumer_history.buckets import Buckets
from consumer_history.connection import Connection
from consumer_history.saved_states import SavedStates
from consumer_history.store import EventBatch, SavedState
from detectors.last_values import Snapshot


class BucketStore:
    """A HistoryStore but for `append` and the reading of buckets. `rows` is how many were written."""

    def __init__(self, connection: Connection, topic: str, table: Literal["events", "chunks"]) -> None:
        self._connection, self._topic = connection, topic
        self.rows = 0
        self._states = SavedStates(connection, topic)
        self._buckets = Buckets(connection, table, topic)

    def last(
        self,
        until: Mapping[int, int],
        depth: int,  # noqa: ARG002 - more may be given: which keys there are is known only when all were seen
        since: Mapping[int, int] | None = None,
    ) -> Iterator[EventBatch]:
        """Every event that is stored below `until`, by partition in the order of offsets."""
        for partition, end in until.items():
            begin = (since or {}).get(partition, 0)
            for found in self._stored(partition, self._buckets.between(partition, begin, end), begin, end):
                if len(found):
                    yield found

    def _stored(self, partition: int, buckets: Sequence[int], begin: int, end: int) -> Iterator[EventBatch]:
        """The events of these buckets from the offset `begin` to before `end`, each once."""
        raise NotImplementedError

    def save(self, partition: int, offset: int, state: Snapshot) -> None:
        """Keep a state. Raises StoreAwayError."""
        self._states.save(partition, offset, state)

    def saved(self, partition: int, until: int, depth: int) -> SavedState | None:
        """The newest state as of an offset up to `until`. Raises StoreAwayError."""
        return self._states.newest(partition, until, depth)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
