"""When the state of a partition is saved: so often that a recovery is short, so seldom that it costs little."""

from __future__ import annotations

from consumer_history.checks import Checks
from consumer_history.store import HistoryStore, StoreAwayError
from kafka_cluster.log import get_logger

EVENTS_A_VALUE = (
    4  # events before it is saved again, for each value of a state: it adds at most a quarter to what is stored
)
log = get_logger()


class Saving:
    """Saves between two batches, as of what is committed."""

    def __init__(self, checks: Checks, store: HistoryStore, every: int, depth: int) -> None:
        self._checks, self._store, self._every, self._depth = checks, store, every, depth
        self._saved: dict[int, int] = {}

    def begin(self, partition: int, offset: int) -> None:
        """A partition was gained, with a state that was last saved as of `offset`; 0: never."""
        self._saved[partition] = offset

    def look(self) -> None:
        """Save what is due. One that cannot be saved now is left until it is due again: nothing depends on it."""
        for partition, offset in self._checks.next_offsets.items():
            if offset - self._saved.get(partition, 0) < self._interval(partition):
                continue
            self._saved[partition] = offset
            try:
                self._store.save(partition, offset, self._checks.snapshot(partition))
            except StoreAwayError as error:
                log.warning("state not saved", partition=partition, offset=offset, error=str(error))

    def _interval(self, partition: int) -> int:
        values = self._checks.keys_of(partition) * self._depth
        return max(self._every, EVENTS_A_VALUE * values)
