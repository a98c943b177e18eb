"""What a history store is: the durable log of every event, from which a worker's last values are rebuilt.

The life of a batch is `append`, then the commit of its offsets, and never the other way round: what is committed is
stored. What is stored but not committed is read again from Kafka and stored a second time, which changes nothing. So
the state of a worker at a committed offset is the events below that offset, and `last` gives exactly those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from detectors.last_values import Snapshot
from kafka_cluster.errors import LabError

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Float64s = npt.NDArray[np.float64]


class StoreAwayError(LabError):
    """The store did not take, or give, everything in time. Ask again with the same arguments: nothing is lost by it."""


@dataclass(frozen=True, eq=False)
class EventBatch:
    """Events in columns, each of shape (n,). Within a partition they are in the order of their offsets.

    `keys`: id of the event's key. `times_ms`: ms since the epoch, UTC. `values`: any float64, NaN and infinities
    too. `partitions`, `offsets`: where the event stands in Kafka, which is its identity.
    """

    keys: Int64s
    times_ms: Int64s
    values: Float64s
    partitions: Int32s
    offsets: Int64s

    def __post_init__(self) -> None:
        lengths = {len(column) for column in (self.keys, self.times_ms, self.values, self.partitions, self.offsets)}
        if len(lengths) != 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice) -> EventBatch:
        """The events of these rows, in the order of `rows`."""
        return EventBatch(
            self.keys[rows], self.times_ms[rows], self.values[rows], self.partitions[rows], self.offsets[rows]
        )

    def by_partition(self) -> Iterator[tuple[int, EventBatch]]:
        """Each partition's number with its events, in their order. Views where the batch has one partition."""
        if len(self) and self.partitions.min() == self.partitions.max():
            yield int(self.partitions[0]), self
            return
        for partition in np.unique(self.partitions):
            yield int(partition), self.take(np.flatnonzero(self.partitions == partition))


class SavedState(NamedTuple):
    """The last values of every key of a partition, and the offset of the first event that is not among them."""

    offset: int
    state: Snapshot


class HistoryStore(Protocol):
    """Where events are kept. One thread at a time; any number of processes may write, even the same events."""

    rows: int
    """Rows written so far, in the store's own sense; what is only listed or noted beside them does not count."""

    def append(self, batch: EventBatch) -> None:
        """Store every event; durable when it returns. An event stored already (partition, offset) stays one event.

        Raises StoreAwayError when that is not certain for all of them; a part may be stored then.
        """

    def last(
        self, until: Mapping[int, int], depth: int, since: Mapping[int, int] | None = None
    ) -> Iterator[EventBatch]:
        """What the last values are rebuilt from, for each partition P of `until`.

        Where `since` names P, only events from the offset `since[P]` on: the rest is in a saved state. Of those:
        At least the last `depth` events of every key among those of P with an offset below `until[P]`; more of them
        may come, older ones, but none twice and none at or past that offset. Within a partition the batches, and the
        events in them, are in the order of their offsets. Events older than the store's time to live are gone.
        Raises StoreAwayError.
        """

    def save(self, partition: int, offset: int, state: Snapshot) -> None:
        """Keep a state as of `offset`, all of whose events are committed. Raises StoreAwayError.

        Harmless when repeated; a store may keep nothing, and older states than the newest may go.
        """

    def saved(self, partition: int, until: int, depth: int) -> SavedState | None:
        """The newest state kept as of an offset up to `until`, with rings of `depth`; None where there is none.

        Raises StoreAwayError.
        """

    def close(self) -> None:
        """Give connections back. Harmless when repeated."""
