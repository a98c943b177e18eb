"""Where a group stands in its partitions, asked for until the broker answers; and what it notes beside its offsets."""

from __future__ import annotations

import json

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kafka_cluster.clock import Clock, Stop
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger

REQUEST_TIMEOUT_S = 5.0
RETRY_S = 0.5
# A broker that restarts, or is busy, says one of these; asked again it will answer.
PASSING = frozenset(
    {
        KafkaError._TIMED_OUT,  # noqa: SLF001 - the client's public names of its own errors begin so
        KafkaError._TIMED_OUT_QUEUE,  # noqa: SLF001
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._WAIT_COORD,  # noqa: SLF001
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
    }
)
log = get_logger()


def committed(consumer: Consumer, partitions: list[TopicPartition], clock: Clock, stop: Stop) -> list[TopicPartition]:
    """The group's committed offsets, below 0 where there is none; nothing when asked to stop before the answer.

    Safe inside a rebalance callback: heartbeats go on meanwhile. Raises LabError when the broker refuses.
    """
    while partitions and not stop.requested:
        try:
            found: list[TopicPartition] = consumer.committed(partitions, timeout=REQUEST_TIMEOUT_S)
        except KafkaException as error:
            cause = error.args[0]
            if cause.code() not in PASSING:
                raise LabError("the group's offsets", cause.str(), "the broker's log says more") from None
            where = {"topic": partitions[0].topic, "partitions": [one.partition for one in partitions]}
            log.warning("waiting for the group's offsets", **where, error=cause.str())
            clock.sleep(RETRY_S)
        else:
            return found
    return []


def note(checked: float) -> str:
    """What is committed beside an offset: the share of the events up to it that was checked, in [0, 1]."""
    return json.dumps({"checked": round(checked, 4)})


def checked_in(note: str | None) -> float | None:
    """The share that `note` tells; None where it tells none."""
    try:
        found = json.loads(note or "{}")["checked"]
    except (ValueError, KeyError, TypeError):
        return None
    return float(found) if isinstance(found, int | float) else None
