"""What a rebalance leaves behind for the loop, with a consumer that only remembers."""

from __future__ import annotations

from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kafka_cluster.clock import ManualClock, Stop
from kafka_cluster.membership import Membership


class Remembering:
    """Stands for the client."""

    def __init__(self) -> None:
        self.offsets = {0: -1001, 1: 50}
        self.away = 0
        self.sought: list[tuple[int, int]] = []
        self.assigned: list[tuple[int, int]] = []
        self.callbacks: dict[str, Any] = {}

    def subscribe(self, _topics: list[str], **callbacks: Any) -> None:
        self.callbacks = callbacks

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        assert timeout > 0
        if self.away:
            self.away -= 1
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [TopicPartition("t", one.partition, self.offsets[one.partition]) for one in partitions]

    def seek(self, to: TopicPartition) -> None:
        self.sought.append((to.partition, to.offset))

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned += [(one.partition, one.offset) for one in partitions]

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None: ...

    def gain(self, *partitions: int) -> None:
        self.callbacks["on_assign"](self, [TopicPartition("t", one) for one in partitions])

    def lose(self, *partitions: int) -> None:
        self.callbacks["on_revoke"](self, [TopicPartition("t", one) for one in partitions])


@pytest.fixture
def client() -> Remembering:
    return Remembering()


@pytest.fixture
def membership(client: Remembering) -> Membership:
    made = Membership("t", cast(Consumer, client), ManualClock(), Stop())
    made.join()
    client.gain(0, 1)
    return made


def test_a_partition_gained_has_no_state_and_is_not_worked_on_before_it_has_one(membership: Membership) -> None:
    assert membership.new == {0: 0, 1: 50}
    assert (membership.held, membership.mine) == ({0, 1}, set())
    membership.new.clear()
    assert membership.mine == {0, 1}


def test_a_partition_that_went_and_came_back_is_not_worked_on_before_it_was_forgotten(
    membership: Membership, client: Remembering
) -> None:
    membership.new.clear()
    client.offsets[1] = 70
    client.lose(1)
    client.gain(1)
    membership.new.clear()
    assert (membership.held, membership.mine) == ({0, 1}, {0})
    assert membership.take_lost() == {1}
    assert membership.mine == {0, 1}


def test_a_partition_lost_needs_no_state_any_more(membership: Membership, client: Remembering) -> None:
    client.lose(1)
    assert (membership.held, membership.new) == ({0}, {0: 0})


def test_starting_over_goes_back_to_what_is_committed_now(membership: Membership, client: Remembering) -> None:
    membership.new.clear()
    client.offsets[1] = 60
    client.lose(0)
    membership.start_over({0, 1})
    assert (membership.new, client.sought) == ({1: 60}, [(1, 60)])


def test_a_broker_that_is_away_is_asked_again(membership: Membership, client: Remembering) -> None:
    client.away = 3
    membership.start_over({1})
    assert client.sought == [(1, 50)]


@pytest.mark.parametrize(("rewind", "first"), [(0, 50), (20, 30), (500, 0)])
def test_reading_begins_so_many_records_before_what_is_committed_also_when_it_starts_over(
    client: Remembering, rewind: int, first: int
) -> None:
    made = Membership("t", cast(Consumer, client), ManualClock(), Stop(), rewind=rewind)
    made.join()
    client.gain(0, 1)
    assert client.assigned == [(0, -1001), (1, first)]  # without a commit it stays logical: the oldest record
    assert made.new == {0: 0, 1: 50}
    made.start_over({1})
    assert client.sought == [(1, first)]
