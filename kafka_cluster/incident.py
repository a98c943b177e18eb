"""Incidents, as the topic of that name holds them; each class mirrors its part of `incident.avsc`."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any, NamedTuple, Self

from kafka_cluster.records import Severity


class Kind(StrEnum):
    """What is told of."""

    INCIDENT = "INCIDENT"
    STORM = "STORM"


class State(StrEnum):
    """Where an incident is in its life."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


class Phase(StrEnum):
    """What a channel knows of an incident."""

    NOTHING = "NOTHING"
    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


class Told(NamedTuple):
    """What one channel has acknowledged; see `incident.avsc`."""

    channel: str
    phase: Phase = Phase.NOTHING
    revision: int = 0
    severity: Severity = Severity.LOW
    at: int = 0  # ms since the epoch, UTC; 0: never
    tried: bool = False
    reference: str | None = None


class Incident(NamedTuple):
    """Anomalies of one key that belong together in time; see `incident.avsc`. Times are ms since the epoch, UTC."""

    id: str
    kind: Kind
    key: str | None
    state: State
    severity: Severity
    total: int  # anomalies; of a storm, incidents held back
    peak_score: float  # in [0, 1]
    peak_id: str
    reason: str
    first: int  # event time
    last: int  # event time
    detectors: tuple[str, ...]
    seen_at: int  # by the clock, as are those below
    keys: tuple[str, ...] = ()
    reopened: int = 0
    opened_at: int | None = None
    resolved_at: int | None = None
    released_at: int | None = None
    storm: str | None = None
    revision: int = 0
    told: tuple[Told, ...] = ()

    def to_avro(self) -> dict[str, Any]:
        """The record as the Avro encoder takes it."""
        return {
            **self._asdict(),
            "detectors": list(self.detectors),
            "keys": list(self.keys),
            "told": [entry._asdict() for entry in self.told],
        }

    @classmethod
    def from_avro(cls, record: dict[str, Any]) -> Self:
        """The other way round."""
        told = tuple(
            Told(**{**entry, "phase": Phase(entry["phase"]), "severity": Severity(entry["severity"])})
            for entry in record["told"]
        )
        enums = {
            "kind": Kind(record["kind"]),
            "state": State(record["state"]),
            "severity": Severity(record["severity"]),
        }
        lists = {"detectors": tuple(record["detectors"]), "keys": tuple(record["keys"]), "told": told}
        return cls(**{**record, **enums, **lists})


def incident_id(key: str | None, first_anomaly: str) -> str:
    """32 hexadecimal digits that depend on the key and the first anomaly alone."""
    return hashlib.blake2b(f"{key}/{first_anomaly}".encode(), digest_size=16).hexdigest()
