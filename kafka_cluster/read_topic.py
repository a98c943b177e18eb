"""Reading a topic for a person: whole, or its last records, decoded, with their addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from kafka_cluster import clients
from kafka_cluster.clock import Stop
from kafka_cluster.codec import RecordDecoder, RejectedValueError
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
    stop = stop or Stop()
    registry = HttpRegistry(settings)
    decoder = RecordDecoder(registry)
    consumer = clients.consumer(settings, "lab-tail", **{"enable.partition.eof": True})
    try:
        starts = _starts(consumer, topic, last)
        consumer.assign([TopicPartition(topic, number, offset) for number, offset in starts.items()])
        open_partitions = set(starts)
        while (follow or open_partitions) and not stop.requested:
            for message in consumer.consume(BATCH, POLL_S):
                error = message.error()
                if error is None:
                    yield _read(message, decoder)
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name for it
                    open_partitions.discard(int(message.partition() or 0))
    finally:
        consumer.close()
        registry.close()


def _starts(consumer: Consumer, topic: str, last: int | None) -> dict[int, int]:
    found = consumer.list_topics(topic, timeout=REQUEST_TIMEOUT_S).topics[topic]
    if found.error is not None:
        raise LabError(f"topic {topic!r}", found.error.str(), "`lab topics` shows what there is")
    starts = {}
    for number in found.partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=REQUEST_TIMEOUT_S)
        starts[number] = low if last is None else max(low, high - last)
    return starts


def _read(message: Message, decoder: RecordDecoder) -> Read:
    raw = message.value()
    try:
        value = None if raw is None else decoder.decode(raw)
    except (RejectedValueError, UnknownSchemaError):
        value = None
    key = message.key()
    headers = {name: _text(content) for name, content in dict(message.headers() or []).items()}
    text = None if key is None else _text(key)
    return Read(int(message.partition() or 0), int(message.offset() or 0), text, value, raw, headers)


def _text(content: str | bytes | None) -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else content or ""
