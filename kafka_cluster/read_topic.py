"""Reading a topic for a person: whole, or its last records, decoded, with their addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from kafka_cluster import clients
from kafka_cluster.clock import Stop
from kafka_cluster.codec import RecordDecoder, RejectedValueError
from kafka_cluster.dead_letters import texts
from kafka_cluster.errors import LabError
from kafka_cluster.registry import HttpRegistry, UnknownSchemaError
from kafka_cluster.settings import KafkaSettings

BATCH = 1_000
POLL_S = 0.2
REQUEST_TIMEOUT_S = 10.0


class Read(NamedTuple):
    """One record. `value` is the decoded record; None where it cannot be decoded, and then `raw` is all there is."""

    partition: int
    offset: int
    key: str | None
    value: dict[str, Any] | None
    raw: bytes | None
    headers: dict[str, str]


def read_topic(
    settings: KafkaSettings, topic: str, *, last: int | None = None, follow: bool = False, stop: Stop | None = None
) -> Iterator[Read]:
    """The committed records of a topic, or the `last` so many of each partition; with `follow`, also those to come.

    Ends at the end offsets of the moment of the call, or, following, when the stop is requested.
    Raises LabError for a topic that is not there.
    """
    registry = HttpRegistry(settings)
    decoder = RecordDecoder(registry)
    consumer = clients.consumer(settings, "lab-tail", **{"enable.partition.eof": True})
    try:
        consumer.assign(_starts(consumer, topic, last))
        for message in read_messages(consumer, follow=follow, stop=stop):
            yield _read(message, decoder)
    finally:
        consumer.close()
        registry.close()


def read_messages(consumer: Consumer, *, follow: bool = False, stop: Stop | None = None) -> Iterator[Message]:
    """The records of the partitions that a consumer was assigned, which tells their ends (enable.partition.eof)."""
    stop = stop or Stop()
    open_partitions = {partition.partition for partition in consumer.assignment()}
    while (follow or open_partitions) and not stop.requested:
        for message in consumer.consume(BATCH, POLL_S):
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name for it
                open_partitions.discard(int(message.partition() or 0))


def partitions_of(consumer: Consumer, topic: str) -> list[int]:
    """The partitions of a topic. Raises LabError for one that is not there."""
    found = consumer.list_topics(topic, timeout=REQUEST_TIMEOUT_S).topics[topic]
    if found.error is not None:
        raise LabError(f"topic {topic!r}", found.error.str(), "`lab topics` shows what there is")
    return sorted(found.partitions)


def _starts(consumer: Consumer, topic: str, last: int | None) -> list[TopicPartition]:
    starts = []
    for number in partitions_of(consumer, topic):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=REQUEST_TIMEOUT_S)
        starts.append(TopicPartition(topic, number, low if last is None else max(low, high - last)))
    return starts


def _read(message: Message, decoder: RecordDecoder) -> Read:
    raw = message.value()
    try:
        value = None if raw is None else decoder.decode(raw)
    except (RejectedValueError, UnknownSchemaError):
        value = None
    key = message.key()
    text = key.decode(errors="replace") if isinstance(key, bytes) else key
    return Read(int(message.partition() or 0), int(message.offset() or 0), text, value, raw, texts(message.headers()))
