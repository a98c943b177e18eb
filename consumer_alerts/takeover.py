"""Incidents follow the partitions: forgotten with those given up, read back for those gained."""

from __future__ import annotations

from functools import partial

from consumer_alerts.courier import Dispatch
from consumer_alerts.desk import Desk
from consumer_alerts.written import AwayError, WrittenIncidents
from kafka_cluster.clock import Stop
from kafka_cluster.log import get_logger
from kafka_cluster.membership import Membership
from kafka_cluster.standstill import Standstill

log = get_logger()


class Takeover:
    """Between a rebalance, or a batch undone, and the next batch."""

    def __init__(
        self,
        desk: Desk,
        dispatch: Dispatch,
        written: WrittenIncidents,
        membership: Membership,
        standstill: Standstill,
        stop: Stop,
    ) -> None:
        self._desk, self._dispatch, self._written = desk, dispatch, written
        self._membership, self._standstill, self._stop = membership, standstill, stop
        self.next_offsets: dict[int, int] = {}  # by partition with its incidents: the first that is not counted
        self.caught_up: set[int] = set()  # read to their end

    def follow(self) -> None:
        """Returns when every partition held has its incidents, or when asked to stop."""
        self._standstill.until_rebuilt(self._membership, self._stop, self._forget, self._read_back)

    def is_new(self, partition: int, offset: int) -> bool:
        """Whether a record is this member's, and not counted yet."""
        return partition in self.next_offsets and offset >= self.next_offsets[partition]

    def _read_back(self, partition: int, offset: int) -> bool:
        """The incidents of a partition; False when they are not whole."""
        try:
            incidents = self._written.read(partition, partial(self._go_on, partition))
        except AwayError as error:
            self._standstill.wait("waiting for the incidents", error)
            return False
        if incidents is None:
            return False
        self._desk.start(partition, incidents)
        self.next_offsets[partition] = offset
        self.caught_up.discard(partition)
        log.info("incidents read back", partition=partition, offset=offset, incidents=len(incidents))
        return True

    def _go_on(self, partition: int) -> bool:
        self._standstill.turn("reading incidents back")
        return partition in self._membership.new and not self._stop.requested

    def _forget(self) -> set[int]:
        lost = self._membership.take_lost()
        for partition in lost:
            self._desk.drop(partition)
            self._dispatch.forget(partition)
            self.next_offsets.pop(partition, None)
            self.caught_up.discard(partition)
        return lost
