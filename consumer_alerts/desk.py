"""The core of one member: anomalies in, incidents changed, messages due. Knows no Kafka client and no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from consumer_alerts.book import Book
from consumer_alerts.gate import Gate
from consumer_alerts.rules import Rules
from consumer_alerts.telling import Message, News, Outcome, acknowledged, news, tried
from kafka_cluster.incident import Incident, Kind, State
from kafka_cluster.records import Anomaly

SCAN_EVERY_MS = 1_000  # what only time makes due
PURGE_EVERY_MS = 60_000


class Ignored(StrEnum):
    """Why an anomaly is nobody's news."""

    MUTED = "muted"
    MAINTENANCE = "maintenance"
    OLD = "old"


class Change(NamedTuple):
    """An incident to be written down; None: it is gone."""

    partition: int
    id: str
    incident: Incident | None


class Desk:
    """The incidents of the partitions held."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._books: dict[int, Book] = {}
        self.gate = Gate()
        self._unsure: set[tuple[str, str]] = set()  # incident and channel: tried by one that is no more
        self._next_scan = self._next_purge = 0
        self.ignored: Counter[Ignored] = Counter()

    def start(self, partition: int, incidents: Iterable[Incident]) -> None:
        """A partition is taken over, with its incidents as they were written down."""
        book = Book(incidents)
        self._books[partition] = book
        self.gate.learn(partition, book)
        self._unsure |= {(one.id, told.channel) for one in book.active() for told in one.told if told.tried}
        self._next_scan = 0

    def drop(self, partition: int) -> None:
        """A partition is given up."""
        book = self._books.pop(partition, Book())
        self.gate.forget(partition)
        gone = {incident.id for incident in book.active()}
        self._unsure = {one for one in self._unsure if one[0] not in gone}

    def take(self, partition: int, anomaly: Anomaly, found_at: int, now: int) -> Ignored | None:
        """Count an anomaly in its incident; or why it is not counted. Times by the clock, ms."""
        rule = self.rules.handling(anomaly.key, (anomaly.detector,))
        why = self._ignored(rule.mute, anomaly, now)
        if why is None:
            self._books[partition].take(anomaly, rule, min(found_at, now), now)
        else:
            self.ignored[why] += 1
        return why

    def look(self, now: int, caught_up: Iterable[int], share: float = 1.0) -> None:
        """End what is quiet in the partitions that are read to their end; let pass, or hold back, what is new.

        `share`: of all partitions, those held, in [0, 1]; the limit of new incidents is divided among members by it.
        """
        for partition in caught_up:
            if partition in self._books:
                self._books[partition].end_quiet(self.rules, now)
        if now >= self._next_purge:
            self._next_purge = now + PURGE_EVERY_MS
            for book in self._books.values():
                book.purge(self.rules.keep_ms, now)
        limit = self.rules.storm.limit
        self.gate.look(self._books, self.rules, limit and max(1, round(limit * share)), now)

    def due(self, now: int) -> list[Message]:
        """Messages to be sent once `changes` are written down. What is not acknowledged is due again and again."""
        scan = now >= self._next_scan
        if scan:
            self._next_scan = now + SCAN_EVERY_MS
        return [
            message
            for partition, book in self._books.items()
            for incident in (book.active() if scan else list(book.changed()))
            for message in self._messages(partition, book, incident, now)
        ]

    def acknowledge(self, outcome: Outcome, now: int) -> None:
        """A channel knows; nothing happens where the partition went meanwhile."""
        book = self._books.get(outcome.partition)
        incident = None if book is None else book.get(outcome.incident)
        if book is None or incident is None:
            return
        self._unsure.discard((outcome.incident, outcome.channel))
        book.put(acknowledged(incident, outcome, now), lasting=outcome.news is not News.AGAIN)

    def changes(self) -> list[Change]:
        """What is to be written down."""
        return [
            Change(partition, identity, incident)
            for partition, book in self._books.items()
            for identity, incident in book.changes().items()
        ]

    def open(self) -> int:
        """Incidents that are open, without pending ones and storms."""
        return sum(
            one.state is State.OPEN and one.kind is Kind.INCIDENT
            for book in self._books.values()
            for one in book.active()
        )

    def _ignored(self, mute: bool, anomaly: Anomaly, now: int) -> Ignored | None:
        if mute:
            return Ignored.MUTED
        if 0 < self.rules.ignore_older_ms < now - anomaly.timestamp:
            return Ignored.OLD
        if self.rules.in_maintenance(anomaly.key, anomaly.timestamp):
            return Ignored.MAINTENANCE
        return None

    def _messages(self, partition: int, book: Book, incident: Incident, now: int) -> Iterable[Message]:
        for told in incident.told:
            config = self.rules.channels.get(told.channel)
            if config is None:  # it is not in alerts.yaml any more
                incident = incident._replace(told=tuple(one for one in incident.told if one.channel != told.channel))
                book.put(incident)
                continue
            what = news(incident, told, config, now)
            if what is None:
                continue
            if (not config.same_again or what is News.REOPENED) and not told.tried:
                incident = tried(incident, told.channel)
                book.put(incident)
            repeat = (incident.id, told.channel) in self._unsure
            yield Message(incident, told, what, partition, repeat, self.rules.page)
