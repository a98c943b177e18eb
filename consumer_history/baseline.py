"""The published system's way, to measure against: a row an event, and 50 rows read back for every check.

The table `data_stream` knows no offsets. So it cannot answer as of an offset, an event of the same key and millisecond
as another takes its place, and what is stored past the committed offset is read back as if it were older. A worker on
it keeps no state: there is nothing to recover.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from consumer_history.connection import Connection
from consumer_history.store import EventBatch, Float64s, Int64s, SavedState
from consumer_history.writes import Send, write_all
from detectors.last_values import Snapshot


class BaselineStore:
    """Writes and reads `data_stream`, one statement an event."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.rows = 0
        self._insert = connection.prepare("INSERT INTO data_stream (id, time, value) VALUES (?, ?, ?)")
        self._select = connection.prepare("SELECT value FROM data_stream WHERE id = ? LIMIT ?")

    def append(self, batch: EventBatch) -> None:
        """One INSERT an event, so many in flight. Raises StoreAwayError."""
        write_all(self._connection, self._requests(batch))
        self.rows += len(batch)

    def _requests(self, batch: EventBatch) -> Iterator[Send]:
        for row in zip(batch.keys.tolist(), batch.times_ms.tolist(), batch.values.tolist(), strict=True):
            yield partial(self._connection.session.execute_async, self._insert.bind(row))

    def read_back(self, keys: Int64s, depth: int) -> list[Float64s]:
        """The newest `depth` values of each key, oldest first: one SELECT a key. Raises StoreAwayError."""
        session, flying, found = self._connection.session, deque[Send](), list[Float64s]()
        for key in keys.tolist():
            ask = partial(session.execute_async, self._select.bind((key, depth)))
            if len(flying) >= self._connection.settings.history_in_flight:
                found.append(self._values(flying.popleft()))
            flying.append(_started(ask))
        return found + [self._values(ask) for ask in flying]

    def _values(self, ask: Send) -> Float64s:
        rows = self._connection.again(lambda: ask().result())
        return np.array([value for (value,) in rows], np.float64)[::-1]

    def last(
        self,
        until: Mapping[int, int],  # noqa: ARG002 - the protocol's
        depth: int,  # noqa: ARG002 - the protocol's
        since: Mapping[int, int] | None = None,  # noqa: ARG002 - the protocol's
    ) -> Iterator[EventBatch]:
        """Nothing: see above."""
        return iter(())

    def save(self, partition: int, offset: int, state: Snapshot) -> None:
        """Nothing is kept: there are no states."""

    def saved(self, partition: int, until: int, depth: int) -> SavedState | None:  # noqa: ARG002 - the protocol's
        """None: see `save`."""
        return None

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _started(ask: Send) -> Send:
    """The request under way at once; asked again, it is sent again."""
    first = [ask()]
    return lambda: first.pop() if first else ask()
