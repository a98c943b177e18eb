"""States follow the partitions: forgotten with those given up, rebuilt from the history for those gained."""

from __future__ import annotations

from dataclasses import dataclass

from consumer_history.checks import Checks
from consumer_history.saving import Saving
from consumer_history.store import HistoryStore, StoreAwayError
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.log import get_logger
from kafka_cluster.membership import Membership
from kafka_cluster.standstill import Standstill

log = get_logger()


@dataclass
class Rebuilt:
    """What it has cost so far."""

    events: int = 0
    seconds: float = 0.0


class Recovery:
    """Between a rebalance, or a batch undone, and the next batch."""

    def __init__(
        self,
        checks: Checks,
        store: HistoryStore,
        membership: Membership,
        standstill: Standstill,
        saving: Saving,
        clock: Clock,
        stop: Stop,
        depth: int,
    ) -> None:
        self._checks, self._store, self._membership = checks, store, membership
        self._standstill, self._saving, self._clock, self._stop = standstill, saving, clock, stop
        self._depth = depth
        self.done = Rebuilt()

    def follow(self) -> None:
        """Returns when every partition held has its state, or when asked to stop."""
        self._standstill.until_rebuilt(self._membership, self._stop, self._forget, self._rebuild)

    def _forget(self) -> set[int]:
        lost = self._membership.take_lost()
        for partition in lost:
            self._checks.drop(partition)
        return lost

    def _rebuild(self, partition: int, offset: int) -> bool:
        """The state of a partition as of its committed offset; False when it is not whole."""
        start_s, events = self._clock.monotonic(), 0
        try:
            saved = self._store.saved(partition, offset, self._depth) if offset else None
            since, state = saved or (0, None)
            self._checks.start(partition, offset, state)
            self._saving.begin(partition, since)
            for stored in self._store.last({partition: offset}, self._depth, {partition: since}) if offset else ():
                self._checks.learn(stored)
                events += len(stored)
                self._standstill.turn("rebuilding")
                if self._stop.requested or partition not in self._membership.new:
                    return False
        except StoreAwayError as error:
            self._standstill.wait("waiting for the store", error)
            return False
        if offset == 0:
            return True
        seconds = self._clock.monotonic() - start_s
        self.done = Rebuilt(self.done.events + events, self.done.seconds + seconds)
        log.info(
            "rebuilt", partition=partition, offset=offset, saved_at=since, events=events, seconds=round(seconds, 2)
        )
        return True
