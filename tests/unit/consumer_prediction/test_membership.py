"""Which records of a batch are a member's, when the group takes partitions away in the call that gave the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from consumer_prediction.membership import Membership
from consumer_prediction.panels import Panels
from consumer_prediction.settings import PredictionSettings
from kafka_cluster.clock import ManualClock, Stop

Callback = Callable[[Any, list[TopicPartition]], None]
COMMITTED = 70


class Record:
    """Of a message nothing but its partition."""

    def __init__(self, partition: int) -> None:
        self._partition = partition

    def partition(self) -> int:
        return self._partition


class Group:
    """A consumer that rebalances when told to, and remembers what it was told to read."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callback] = {}
        self.reads: dict[int, int] = {}  # by partition, from which offset
        self.assigned = 0

    def subscribe(self, _topics: list[str], **callbacks: Callback) -> None:
        self.callbacks = callbacks

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        assert timeout > 0
        return [TopicPartition(one.topic, one.partition, COMMITTED) for one in partitions]

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned += 1
        self.reads |= {one.partition: one.offset for one in partitions}

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            del self.reads[one.partition]

    def tell(self, what: str, *numbers: int) -> None:
        self.callbacks[what](self, [TopicPartition("metrics", number) for number in numbers])


def joined() -> tuple[Group, Membership]:
    settings, clock, stop = PredictionSettings.read(), ManualClock(), Stop()
    group = Group()
    consumer, admin = cast(Consumer, group), cast(AdminClient, None)
    membership = Membership(settings, consumer, admin, Panels(settings, clock), clock, stop)
    membership.join(cast(Any, None))
    group.tell("on_assign", 0, 1, 2)
    membership.still_held([])
    return group, membership


def kept(membership: Membership, *partitions: int) -> list[int]:
    records = [cast(Message, Record(partition)) for partition in partitions]
    return [cast(int, record.partition()) for record in membership.still_held(records)]


def test_without_a_rebalance_all_records_are_kept() -> None:
    _, membership = joined()
    assert kept(membership, 0, 1, 2, 1) == [0, 1, 2, 1]


def test_records_of_a_partition_that_was_taken_away_are_not_kept() -> None:
    group, membership = joined()
    group.tell("on_revoke", 1)
    assert kept(membership, 0, 1, 2, 1) == [0, 2]
    assert kept(membership, 0, 2) == [0, 2]


def test_a_partition_that_was_lost_and_has_come_back_is_read_again_from_what_is_committed() -> None:
    group, membership = joined()
    group.tell("on_lost", 0, 1, 2)
    group.tell("on_assign", 1)
    assert kept(membership, 0, 1, 2, 1) == []
    assert group.reads == {1: COMMITTED}
    assert kept(membership, 1, 1) == [1, 1]  # what comes from then on is its own
    assert group.assigned == 3 + 1 + 1


def test_one_that_went_and_came_back_is_not_held_without_a_break_until_the_next_batch() -> None:
    group, membership = joined()
    group.tell("on_revoke", 0)
    group.tell("on_assign", 0)
    assert (membership.held, membership.unbroken) == ({0, 1, 2}, {1, 2})
    kept(membership)
    assert membership.unbroken == {0, 1, 2}
