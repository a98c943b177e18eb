"""Sending dead letters back, exactly once.

A group has one position in a partition, so a letter that stays behind cannot be stepped over: in the transaction in
which the letters around it are sent back, it is put at the end of the dead letters again, as it was. Letters after the
last one that can be sent back are not touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from kafka_cluster import clients
from kafka_cluster.dead_letters import REPLAYS, Header
from kafka_cluster.errors import LabError
from kafka_cluster.letters import REPLAY_GROUP, Examiner, Letter, open_letters, reader
from kafka_cluster.read_topic import partitions_of
from kafka_cluster.registry import Registry
from kafka_cluster.settings import KafkaSettings

TIMEOUT_S = 20.0
TRANSACTION_TIMEOUT_MS = 10_000  # what a killed replay left open ends by itself then, or at the next replay's start
QUEUE_FULL_POLL_S = 0.1
BY_KEY = -1
BATCH = 500  # letters a transaction


@dataclass
class Outcome:
    """What was sent back, or would be: by topic; and why others stay. `last` is by partition the last to go."""

    sent: Counter[str] = field(default_factory=Counter)
    stay: Counter[str] = field(default_factory=Counter)
    last: dict[int, int] = field(default_factory=dict)


class Replay:
    """One replay. `to` is a topic for all letters; `everything` also takes those that the codec rejects still."""

    def __init__(
        self,
        settings: KafkaSettings,
        registry: Registry,
        to: str | None = None,
        *,
        everything: bool = False,
        batch: int = BATCH,
    ) -> None:
        self._settings, self._to, self._everything, self._batch = settings, to, everything, batch
        self._examiner = Examiner(settings, registry)
        self._partitions: dict[str, set[int]] = {}

    def plan(self) -> Outcome:
        """What would be sent where. Raises LabError for a topic that is not there, RegistryAwayError."""
        planned = Outcome()
        with closing(reader(self._settings)) as consumer, _told():
            for letters in _batches(open_letters(consumer, self._settings.dead_letters_topic), self._batch):
                self._sort(letters, planned)
            self._partitions = {topic: set(partitions_of(consumer, topic)) for topic in planned.sent}
        return planned

    def run(self) -> Outcome:
        """Send them back. Raises LabError, and then what was not sent is still there for the next replay."""
        producer = clients.producer(
            self._settings,
            **{
                # Stable, so that the next replay ends the transaction of one that was killed, before it looks.
                "transactional.id": f"{REPLAY_GROUP}-{self._settings.dead_letters_topic}",
                "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
            },
        )
        try:
            with _told():
                producer.init_transactions(TIMEOUT_S)
            planned, done = self.plan(), Outcome()
            with closing(reader(self._settings)) as consumer, _told():
                letters = open_letters(consumer, self._settings.dead_letters_topic, planned.last)
                for some in _batches(letters, self._batch):
                    self._transact(producer, consumer, some, done)
        finally:
            producer.purge()
            producer.close()
        return Outcome(done.sent, planned.stay, planned.last)

    def _transact(self, producer: Producer, consumer: Consumer, letters: list[Letter], done: Outcome) -> None:
        places = {letter.partition: letter.offset + 1 for letter in letters}
        topic = self._settings.dead_letters_topic
        positions = [TopicPartition(topic, partition, offset) for partition, offset in places.items()]
        producer.begin_transaction()
        for letter, target in zip(letters, self._sort(letters, done), strict=True):
            if target is None:
                _produce(producer, topic, letter, letter.partition, letter.died_ms, letter.dead.headers())
            else:
                again = [*letter.dead.own, (REPLAYS, str(letter.dead.replays + 1).encode())]
                _produce(producer, target, letter, self._partition(letter, target), letter.dead.timestamp_ms, again)
        producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), TIMEOUT_S)
        producer.commit_transaction(TIMEOUT_S)

    def _partition(self, letter: Letter, target: str) -> int:
        """Where it came from, so that it stays with its key; in another topic the key decides."""
        came_from = target == letter.dead.topic and letter.dead.partition in self._partitions[target]
        return letter.dead.partition if came_from else BY_KEY

    def _sort(self, letters: list[Letter], outcome: Outcome) -> list[str | None]:
        """For each letter the topic that it goes to, None where it stays; counted in `outcome`."""
        targets: list[str | None] = []
        for letter, complaint in zip(letters, self._examiner.complaints(letters), strict=True):
            why = self._why_it_stays(letter, complaint)
            target = None if why else self._to or letter.dead.topic
            targets.append(target)
            if target is None:
                outcome.stay[why or ""] += 1
            else:
                outcome.sent[target] += 1
                outcome.last[letter.partition] = letter.offset
        return targets

    def _why_it_stays(self, letter: Letter, complaint: str | None) -> str | None:
        if self._to is None and not letter.dead.topic:
            return "no source topic"
        if self._everything:
            return None
        if letter.dead.replays:
            return "replayed before"
        return None if complaint is None else f"still {complaint.partition(':')[0]}"


def _batches(letters: Iterable[Letter], size: int) -> Iterator[list[Letter]]:
    letters = iter(letters)
    while batch := list(islice(letters, size)):
        yield batch


def _produce(
    producer: Producer, topic: str, letter: Letter, partition: int, time_ms: int, headers: Sequence[Header]
) -> None:
    """Key and value as they came. A time that the client did not know is now."""
    dead = letter.dead
    while True:
        try:
            producer.produce(topic, dead.value, dead.key, partition, timestamp=max(time_ms, 0), headers=list(headers))
        except BufferError:
            producer.poll(QUEUE_FULL_POLL_S)
        else:
            return


@contextmanager
def _told() -> Iterator[None]:
    """What the broker refuses is one clear line; an open transaction is never committed."""
    try:
        yield
    except KafkaException as error:
        cause = error.args[0]
        way_out = "another replay took over" if cause.fatal() else "run it again: it goes on where it was"
        raise LabError("dead letters", cause.str(), way_out) from None
