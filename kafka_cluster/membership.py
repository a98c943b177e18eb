"""Which partitions this member holds, and which of them have no state yet."""

from __future__ import annotations

from confluent_kafka import Consumer, Message, TopicPartition

from kafka_cluster.clock import Clock, Stop
from kafka_cluster.committed import committed
from kafka_cluster.log import get_logger
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.standing import Standing

log = get_logger()


class Membership:
    """Rebalance callbacks, and what they leave behind for the loop."""

    def __init__(
        self, topic: str, consumer: Consumer, clock: Clock, stop: Stop, meter: Meter = OFF, rewind: int = 0
    ) -> None:
        """Reading begins `rewind` records before what is committed: for states that are rebuilt from the topic."""
        self._rewind = rewind
        self._topic, self._consumer, self._clock, self._stop = topic, consumer, clock, stop
        self.standing = Standing(consumer, topic, clock, meter)
        self._lost: set[int] = set()
        self.held: set[int] = set()
        self.new: dict[int, int] = {}  # by partition without a state: the committed offset, 0 where there is none

    @property
    def mine(self) -> set[int]:
        """Partitions whose records may be worked on and committed: held without a break, and with a state.

        One that was given up and has come back does not count: another member may have gone on from where it was.
        """
        return self.held - self._lost - self.new.keys()

    def join(self) -> None:
        """Join the group; where it has committed nothing, reading starts at the oldest event."""
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def take_lost(self) -> set[int]:
        """Partitions that were given up since the last call, also where they have come back since."""
        lost, self._lost = self._lost, set()
        return lost

    def of_held(self, records: list[Message]) -> list[Message]:
        """The records of a batch that are this member's; a rebalance inside the call may have taken some away."""
        if not self._lost:
            return records
        return [record for record in records if record.partition() in self.held]

    def start_over(self, partitions: set[int]) -> None:
        """Go back to what is committed: their states are to be rebuilt, their events read again."""
        asked = [TopicPartition(self._topic, partition) for partition in sorted(partitions & self.held)]
        for found in committed(self._consumer, asked, self._clock, self._stop):
            self._consumer.seek(TopicPartition(self._topic, found.partition, self.begins(self._note(found))))

    def begins(self, committed: int) -> int:
        """The offset from which a partition is read that is committed up to this one."""
        return max(0, committed - self._rewind)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in committed(self._consumer, partitions, self._clock, self._stop):
            self.standing.begins(partition.partition, self._note(partition))
            if self._rewind and partition.offset > 0:
                partition.offset = self.begins(partition.offset)
            consumer.incremental_assign([partition])  # without an offset it stays logical: the oldest event
        gained = {partition.partition for partition in partitions}
        self.held |= gained
        self.standing.rebalanced(self.held)
        if gained or not self.held:
            log.info("partitions", holds=sorted(self.held), gained=sorted(gained))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(partitions)
        given = {partition.partition for partition in partitions}
        self.held -= given
        self._lost |= given
        for partition in given:
            self.new.pop(partition, None)
        self.standing.ends(given)
        self.standing.rebalanced(self.held)
        log.info("partitions", holds=sorted(self.held), given_up=sorted(given))

    def _note(self, partition: TopicPartition) -> int:
        self.new[partition.partition] = max(0, partition.offset)
        return max(0, partition.offset)
