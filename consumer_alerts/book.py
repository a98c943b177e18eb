"""The incidents of one partition: anomalies of a key that lie together in event time are one incident.

Two clocks decide. Event time groups: an anomaly belongs to the incident of its key that it is within gap and reopen of,
and one that lies further on ends the incident before it; so data replayed at any speed give the same incidents. The
clock on the wall ends what has got no anomaly for `resolve_after`, as silence has no event time. An anomaly from before
an incident that is open is late: what it makes is over when it begins, and is told as that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from consumer_alerts.rules import RANK, Rule, Rules
from kafka_cluster.incident import Incident, Kind, Phase, State, incident_id
from kafka_cluster.records import Anomaly, Severity

SEARCHED = 16  # incidents of a key that an anomaly may belong to: the newest ones, and what is not resolved
MOST_DETECTORS = 16
MOST_DOUBLINGS = 3  # each time an incident comes back, the silence that ends it doubles: up to eight times


class Book:
    """Incidents by id and by key, and which of them have changed."""

    def __init__(self, incidents: Iterable[Incident] = ()) -> None:
        self._all: dict[str, Incident] = {}
        self._of_key: dict[str | None, list[str]] = {}
        self._live: dict[str | None, dict[str, None]] = {}  # of a key, those that are not resolved
        self._active: dict[str, None] = {}  # a set in order: open, or not told to everybody yet
        self._changed: dict[str, None] = {}
        for incident in sorted(incidents, key=lambda one: (one.first, one.id)):
            self.put(incident)
        self._changed.clear()

    def __iter__(self) -> Iterator[Incident]:
        return iter(self._all.values())

    def get(self, identity: str) -> Incident | None:
        """The incident with that id."""
        return self._all.get(identity)

    def active(self) -> list[Incident]:
        """Those that are open or pending, or not told to everybody."""
        return [self._all[identity] for identity in self._active]

    def changed(self) -> Iterator[Incident]:
        """Those that have changed since `changes`, without those that are gone."""
        return (self._all[identity] for identity in list(self._changed) if identity in self._all)

    def changes(self) -> dict[str, Incident | None]:
        """By id, what has changed since the last call; None: it is gone."""
        changed = {identity: self._all.get(identity) for identity in self._changed}
        self._changed.clear()
        return changed

    def put(self, incident: Incident, *, lasting: bool = True) -> None:
        """Take an incident in, or in place of what it was. One that is not lasting need not be written down."""
        if incident.id not in self._all and incident.kind is Kind.INCIDENT:
            self._of_key.setdefault(incident.key, []).append(incident.id)
        self._all[incident.id] = incident
        if incident.state is State.RESOLVED:
            self._live.get(incident.key, {}).pop(incident.id, None)
        else:
            self._live.setdefault(incident.key, {})[incident.id] = None
        if settled(incident):
            self._active.pop(incident.id, None)
        else:
            self._active[incident.id] = None
        if lasting:
            self._changed[incident.id] = None

    def take(self, anomaly: Anomaly, rule: Rule, found_at: int, now: int) -> Incident:
        """Count an anomaly; returns its incident. `found_at` and `now` by the clock, ms."""
        self._end_before(anomaly, rule, now)
        fit = self._fit(anomaly, rule)
        found = _first(anomaly, found_at) if fit is None else _joined(fit, anomaly, rule, found_at)
        if found.state is State.PENDING and found.total >= rule.min_count and _severe(found, rule):
            found = found._replace(state=State.OPEN, opened_at=now)
        elif found.state is State.RESOLVED and not self._outlived(found):
            found = found._replace(state=State.OPEN, resolved_at=None, reopened=found.reopened + 1)
        if found.state is State.OPEN:
            found = self._alone(found, now)
        self.put(found)
        return found

    def end_quiet(self, rules: Rules, now: int) -> None:
        """End what has got no anomaly for so long by the clock; what was pending is forgotten."""
        for incident in self.active():
            if incident.state is not State.RESOLVED and now - incident.seen_at >= _patience_ms(incident, rules):
                self._end(incident, now)

    def purge(self, keep_ms: int, now: int) -> None:
        """Forget what was resolved so long ago and told to everybody."""
        old = [one for one in self._all.values() if settled(one) and now - (one.resolved_at or now) >= keep_ms]
        for incident in old:
            self._forget(incident)

    def _key(self, key: str | None) -> Iterator[Incident]:
        newest = self._of_key.get(key, [])[-SEARCHED:]
        live = (one for one in self._live.get(key, {}) if one not in newest and self._all[one].kind is Kind.INCIDENT)
        return (self._all[identity] for identity in (*newest, *live))

    def _fit(self, anomaly: Anomaly, rule: Rule) -> Incident | None:
        """The incident that the anomaly belongs to: the nearest one, and of two as near, the one that is open."""
        near = [
            (_apart_ms(one, anomaly.timestamp), one.state is State.RESOLVED, one.id)
            for one in self._key(anomaly.key)
            if _apart_ms(one, anomaly.timestamp) <= (rule.gap_ms if one.state is State.PENDING else rule.reach_ms)
        ]
        return self._all[min(near)[2]] if near else None

    def _end_before(self, anomaly: Anomaly, rule: Rule, now: int) -> None:
        """End what the anomaly shows to be over in event time."""
        for one in list(self._key(anomaly.key)):
            reach_ms = rule.gap_ms if one.state is State.PENDING else rule.reach_ms
            if one.state is not State.RESOLVED and anomaly.timestamp - one.last > reach_ms:
                self._end(one, now)

    def _outlived(self, incident: Incident) -> bool:
        """Whether a later incident of the key is open: then this one's time is over."""
        return any(
            one.state is State.OPEN and one.id != incident.id and one.first > incident.last
            for one in self._key(incident.key)
        )

    def _alone(self, incident: Incident, now: int) -> Incident:
        """Of a key one incident is open at a time, the latest in event time."""
        if self._outlived(incident):
            return incident._replace(state=State.RESOLVED, resolved_at=now)
        for one in list(self._key(incident.key)):
            if one.state is State.OPEN and one.id != incident.id:
                self._end(one, now)
        return incident

    def _end(self, incident: Incident, now: int) -> None:
        if incident.state is State.PENDING:
            self._forget(incident)
        else:
            self.put(incident._replace(state=State.RESOLVED, resolved_at=now, revision=incident.revision + 1))

    def _forget(self, incident: Incident) -> None:
        del self._all[incident.id]
        self._active.pop(incident.id, None)
        self._live.get(incident.key, {}).pop(incident.id, None)
        self._changed[incident.id] = None
        if incident.kind is Kind.INCIDENT:
            of_key = self._of_key[incident.key]
            of_key.remove(incident.id)
            if not of_key:
                del self._of_key[incident.key]
                self._live.pop(incident.key, None)


def settled(incident: Incident) -> bool:
    """Resolved, and everybody who is to be told has been told so."""
    held_or_released = incident.released_at is not None or incident.storm is not None
    return (
        incident.state is State.RESOLVED
        and held_or_released
        and all(told.phase is Phase.RESOLVED and not told.tried for told in incident.told)
    )


def worse(one: Severity, other: Severity) -> Severity:
    """The higher of two."""
    return max(one, other, key=RANK.__getitem__)


def _severe(incident: Incident, rule: Rule) -> bool:
    return RANK[incident.severity] >= RANK[rule.min_severity]


def _apart_ms(incident: Incident, at: int) -> int:
    return max(0, at - incident.last, incident.first - at)


def _patience_ms(incident: Incident, rules: Rules) -> int:
    if incident.kind is Kind.STORM:
        return rules.storm.quiet_ms
    after_ms = rules.handling(incident.key, incident.detectors).resolve_after_ms
    return after_ms << min(incident.reopened, MOST_DOUBLINGS)


def _first(anomaly: Anomaly, found_at: int) -> Incident:
    return Incident(
        id=incident_id(anomaly.key, anomaly.id),
        kind=Kind.INCIDENT,
        key=anomaly.key,
        state=State.PENDING,
        severity=anomaly.severity,
        total=1,
        peak_score=anomaly.score,
        peak_id=anomaly.id,
        reason=anomaly.reason,
        first=anomaly.timestamp,
        last=anomaly.timestamp,
        detectors=(anomaly.detector,),
        seen_at=found_at,
        revision=1,
    )


def _joined(incident: Incident, anomaly: Anomaly, rule: Rule, found_at: int) -> Incident:
    """The incident with one more anomaly. Where it had ended in event time, and was not told so, it has come back."""
    higher = anomaly.score > incident.peak_score
    known = anomaly.detector in incident.detectors or len(incident.detectors) >= MOST_DETECTORS
    back = incident.state is State.OPEN and anomaly.timestamp - incident.last > rule.gap_ms
    return incident._replace(
        severity=worse(incident.severity, anomaly.severity),
        total=incident.total + 1,
        peak_score=anomaly.score if higher else incident.peak_score,
        peak_id=anomaly.id if higher else incident.peak_id,
        reason=anomaly.reason if higher else incident.reason,
        first=min(incident.first, anomaly.timestamp),
        last=max(incident.last, anomaly.timestamp),
        detectors=incident.detectors if known else (*incident.detectors, anomaly.detector),
        seen_at=max(incident.seen_at, found_at),
        reopened=incident.reopened + back,
        revision=incident.revision + 1,
    )
