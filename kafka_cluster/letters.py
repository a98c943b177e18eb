"""Reading the dead letters: those that are open, where they came from, and what the codec says about them now.

A letter is open until `replay_letters` has passed it: the position of its group says how far that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from kafka_cluster import clients
from kafka_cluster.codec import MetricDecoder, RecordDecoder, RejectedValueError
from kafka_cluster.dead_letters import DeadLetter, own, replays, texts
from kafka_cluster.read_topic import partitions_of, read_messages
from kafka_cluster.registry import Registry, UnknownSchemaError, subject_of
from kafka_cluster.settings import KafkaSettings

REPLAY_GROUP = "dlq-replay"
REQUEST_TIMEOUT_S = 20.0  # longer than a transaction that a killed replay left open
UNKNOWN = -1  # partition or offset of a letter that does not say where it came from


@dataclass(frozen=True)
class Letter:
    """A dead letter and its place in the dead-letters topic."""

    partition: int
    offset: int
    died_ms: int  # when it became a dead letter, milliseconds since the epoch
    dead: DeadLetter

    @classmethod
    def of(cls, message: Message) -> Self:
        """The letter of a message; what its headers do not say is empty, UNKNOWN, or the message's own time."""
        said = texts(message.headers())
        died_ms = int(message.timestamp()[1])
        dead = DeadLetter(
            said.get("topic", ""),
            _number(said.get("partition"), UNKNOWN),
            _number(said.get("offset"), UNKNOWN),
            message.key(),
            message.value(),
            _number(said.get("timestamp_ms"), died_ms),
            said.get("error", "unknown"),
            said.get("reason", ""),
            replays(message.headers()),
            own(message.headers()),
        )
        return cls(int(message.partition() or 0), int(message.offset() or 0), died_ms, dead)

    @property
    def address(self) -> str:
        """Where the record came from: topic/partition/offset."""
        return f"{self.dead.topic}/{self.dead.partition}/{self.dead.offset}"


def reader(settings: KafkaSettings) -> Consumer:
    """A consumer for the letters; it belongs to the group of the replays, which it never joins."""
    return clients.consumer(settings, REPLAY_GROUP, **{"enable.partition.eof": True})


def open_letters(consumer: Consumer, topic: str, upto: Mapping[int, int] | None = None) -> Iterator[Letter]:
    """The open letters of a topic, as it ends now; with `upto`, only to that offset of those partitions, inclusive.

    Raises LabError for a topic that is not there.
    """
    wanted = [number for number in partitions_of(consumer, topic) if upto is None or number in upto]
    places = [TopicPartition(topic, number) for number in wanted]
    for place in (starts := consumer.committed(places, timeout=REQUEST_TIMEOUT_S) if places else []):
        place.offset = OFFSET_BEGINNING if place.offset < 0 else place.offset
    consumer.assign(starts)
    for message in read_messages(consumer) if starts else ():
        letter = Letter.of(message)
        if upto is None or letter.offset <= upto[letter.partition]:
            yield letter


class Examiner:
    """Says whether a letter could be used now. Records of the metrics topic are read as its consumers read them."""

    def __init__(self, settings: KafkaSettings, registry: Registry) -> None:
        self._metrics_topic = settings.metrics_topic
        subject = subject_of(settings.metrics_topic)
        self._metrics = MetricDecoder(registry, settings.metrics, subject=subject)
        self._records = RecordDecoder(registry)

    def complaints(self, letters: Sequence[Letter]) -> list[str | None]:
        """For each letter why it cannot be decoded, None where it can. Raises RegistryAwayError."""
        of_metrics = [row for row, letter in enumerate(letters) if letter.dead.topic == self._metrics_topic]
        rejected = self._metrics.decode([letters[row].dead.value for row in of_metrics]).rejected if of_metrics else []
        found = {of_metrics[one.row]: f"{one.error}: {one.reason}" for one in rejected}
        others = set(range(len(letters))) - set(of_metrics)
        return [self._other(letter) if row in others else found.get(row) for row, letter in enumerate(letters)]

    def record(self, letter: Letter) -> dict[str, object] | None:
        """What the letter decodes to; None where it does not. Raises RegistryAwayError."""
        try:
            return None if letter.dead.value is None else self._records.decode(letter.dead.value)
        except (RejectedValueError, UnknownSchemaError):
            return None

    def _other(self, letter: Letter) -> str | None:
        if letter.dead.value is None:
            return "no-value: the record has no value"
        try:
            self._records.decode(letter.dead.value)
        except (RejectedValueError, UnknownSchemaError) as error:
            return str(error)
        return None


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() else otherwise
