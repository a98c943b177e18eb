"""Incidents and who was told, as their compacted topic has them: all that are not over, the newest that are."""

from __future__ import annotations

from collections import OrderedDict

from kafka_cluster.incident import Incident, Kind, Phase, State

OVER_KEPT = 200


class IncidentBook:
    """The last state of each incident. What is over is forgotten beyond OVER_KEPT, what was first over first."""

    def __init__(self) -> None:
        self._going_on: dict[str, Incident] = {}
        self._over: OrderedDict[str, Incident] = OrderedDict()

    def put(self, incident_id: str, incident: Incident | None) -> None:
        """A state of it; None: it is forgotten."""
        self._going_on.pop(incident_id, None)
        self._over.pop(incident_id, None)
        if incident is None:
            return
        if incident.state is not State.RESOLVED:
            self._going_on[incident_id] = incident
            return
        self._over[incident_id] = incident
        if len(self._over) > OVER_KEPT:
            self._over.popitem(last=False)

    def __len__(self) -> int:
        return len(self._going_on) + len(self._over)

    def open(self) -> list[Incident]:
        """Those that are open, storms aside."""
        return [one for one in self._going_on.values() if one.state is State.OPEN and one.kind is Kind.INCIDENT]

    def untold(self) -> int:
        """How many open ones some channel has not acknowledged yet."""
        return sum(any(told.phase is Phase.NOTHING for told in one.told) for one in self.open())

    def newest(self, limit: int) -> list[Incident]:
        """What is open first, then what is over; each from the one that was found last. Pending ones are not shown."""
        shown = [one for one in self._going_on.values() if one.state is State.OPEN]
        found = [sorted(some, key=lambda one: one.seen_at, reverse=True) for some in (shown, self._over.values())]
        return [*found[0], *found[1]][:limit]
