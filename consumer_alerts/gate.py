"""The limit of new incidents: so many in a minute are told one by one, the rest is told as one storm.

What passed, and what is held back, stands in the incidents themselves, so that a restart knows of it. An incident that
is held back and still gets anomalies when the storm is over passes then, as any other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from consumer_alerts.book import MOST_DETECTORS, Book, worse
from consumer_alerts.rules import RANK, Rules
from detectors.config_file import shown_ms
from kafka_cluster.incident import Incident, Kind, State, Told, incident_id

MOST_KEYS = 20  # that a storm names


class Waiting(NamedTuple):
    """An incident that nobody was told of yet, and its partition."""

    partition: int
    incident: Incident


class Gate:
    """Of one member: decides about the incidents of all its partitions."""

    def __init__(self) -> None:
        self._passed: deque[int] = deque()  # when, ms by the clock
        self._storms: dict[str, int] = {}  # open ones: id and partition
        self.passed = self.held_back = 0  # since the start

    def learn(self, partition: int, book: Book) -> None:
        """A partition came, with its incidents."""
        self.forget(partition)
        times = [one.released_at for one in book if one.kind is Kind.INCIDENT and one.released_at is not None]
        self._passed = deque(sorted((*self._passed, *times)))
        self._storms |= {one.id: partition for one in book if one.kind is Kind.STORM and one.state is State.OPEN}

    def forget(self, partition: int) -> None:
        """A partition went; what passed in it still counts."""
        self._storms = {storm: its for storm, its in self._storms.items() if its != partition}

    def look(self, books: Mapping[int, Book], rules: Rules, limit: int, now: int) -> None:
        """Let pass, or hold back, whatever has changed. `limit`: this member's share; 0: no limit."""
        self._storms = {storm: its for storm, its in self._storms.items() if _is_open(books.get(its), storm)}
        while self._passed and self._passed[0] <= now - rules.storm.every_ms:
            self._passed.popleft()
        for partition, incident in self._waiting(books):
            if limit == 0 or len(self._passed) < limit:
                self._passed.append(now)
                self.passed += 1
                books[partition].put(_routed(incident._replace(released_at=now, storm=None), rules))
            else:
                self._hold(books, partition, incident, rules, now)
        for book in books.values():
            for incident in book.changed():
                if incident.state is State.OPEN and incident.kind is Kind.INCIDENT and incident.released_at is not None:
                    book.put(_routed(incident, rules))

    def _waiting(self, books: Mapping[int, Book]) -> list[Waiting]:
        """The most severe first, then the oldest. What a storm holds waits for its end."""
        found = [
            Waiting(partition, incident)
            for partition, book in books.items()
            for incident in book.changed()
            if incident.kind is Kind.INCIDENT and incident.opened_at is not None and incident.released_at is None
            if incident.storm is None or (incident.state is State.OPEN and not self._storms)
        ]
        return sorted(found, key=lambda one: (-RANK[one.incident.severity], one.incident.opened_at, one.incident.first))

    def _hold(self, books: Mapping[int, Book], partition: int, incident: Incident, rules: Rules, now: int) -> None:
        storm_id = next(iter(self._storms), None)
        home = partition if storm_id is None else self._storms[storm_id]
        before = None if storm_id is None else books[home].get(storm_id)
        storm = _begun(incident, now) if before is None else _grown(before, incident, now)
        limit = f"{rules.storm.limit} in {shown_ms(rules.storm.every_ms)}"
        what = "new incident" if storm.total == 1 else "new incidents"
        storm = storm._replace(reason=f"{storm.total} {what} held back, over the limit of {limit}")
        books[home].put(_with(storm, rules.route(incident.key, incident.detectors, incident.severity)))
        self._storms[storm.id] = home
        self.held_back += 1
        books[partition].put(incident._replace(storm=storm.id, revision=incident.revision + 1))


def _is_open(book: Book | None, storm_id: str) -> bool:
    storm = None if book is None else book.get(storm_id)
    return storm is not None and storm.state is State.OPEN


def _routed(incident: Incident, rules: Rules) -> Incident:
    return _with(incident, rules.route(incident.key, incident.detectors, incident.severity))


def _with(incident: Incident, channels: tuple[str, ...]) -> Incident:
    """The incident, to be told to these channels too."""
    known = {told.channel for told in incident.told}
    return incident._replace(told=(*incident.told, *(Told(name) for name in channels if name not in known)))


def _begun(incident: Incident, now: int) -> Incident:
    return incident._replace(
        id=incident_id("storm", incident.id),
        kind=Kind.STORM,
        key=None,
        state=State.OPEN,
        total=1,
        keys=(incident.key or "",),
        reopened=0,
        opened_at=now,
        seen_at=now,
        resolved_at=None,
        released_at=now,
        storm=None,
        revision=1,
        told=(),
    )


def _grown(storm: Incident, incident: Incident, now: int) -> Incident:
    key = incident.key or ""
    more = (key,) if key not in storm.keys and len(storm.keys) < MOST_KEYS else ()
    higher = incident.peak_score > storm.peak_score
    detectors = tuple(dict.fromkeys((*storm.detectors, *incident.detectors)))[:MOST_DETECTORS]
    return storm._replace(
        total=storm.total + 1,
        keys=(*storm.keys, *more),
        severity=worse(storm.severity, incident.severity),
        peak_score=incident.peak_score if higher else storm.peak_score,
        peak_id=incident.peak_id if higher else storm.peak_id,
        first=min(storm.first, incident.first),
        last=max(storm.last, incident.last),
        detectors=detectors,
        seen_at=now,
        revision=storm.revision + 1,
    )
