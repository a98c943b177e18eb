"""A group's offsets are asked for until the broker answers, refuses, or nobody wants to know any more."""

from __future__ import annotations

from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kafka_cluster.clock import ManualClock, Stop
from kafka_cluster.committed import committed
from kafka_cluster.errors import LabError

PLACES = [TopicPartition("metrics", 0)]
FOUND = [TopicPartition("metrics", 0, 7)]


class Asked:
    """A consumer that answers with the next of `answers`: error codes, and at last the offsets."""

    def __init__(self, *answers: int) -> None:
        self._answers = list(answers)
        self.questions = 0

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        assert (places, timeout > 0) == (PLACES, True)
        self.questions += 1
        if self._answers:
            raise KafkaException(KafkaError(self._answers.pop(0)))
        return FOUND


def ask(asked: Asked, stop: Stop | None = None, clock: Any = None) -> list[TopicPartition]:
    return committed(cast(Consumer, asked), PLACES, clock or ManualClock(), stop or Stop())


def test_a_broker_that_does_not_answer_is_asked_again() -> None:
    asked = Asked(KafkaError._TIMED_OUT, KafkaError.NOT_COORDINATOR, KafkaError._TRANSPORT)
    assert ask(asked) == FOUND
    assert asked.questions == 4


def test_a_refusal_is_one_clear_line() -> None:
    with pytest.raises(LabError, match="the group's offsets"):
        ask(Asked(KafkaError.GROUP_AUTHORIZATION_FAILED))


def test_a_stop_ends_the_waiting() -> None:
    stop = Stop()

    class Impatient(ManualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            stop.request()

    asked = Asked(*[KafkaError._TIMED_OUT] * 9)
    assert ask(asked, stop, Impatient()) == []
    assert asked.questions == 1


def test_no_partitions_are_no_question() -> None:
    asked = Asked()
    assert committed(cast(Consumer, asked), [], ManualClock(), Stop()) == []
    assert asked.questions == 0
