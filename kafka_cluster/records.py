"""The records that services exchange; each mirrors the `.avsc` file of its name.

Those that are made by the thousand in a second are named tuples, which cost a third of a frozen dataclass.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self


class Severity(StrEnum):
    """How far above the threshold."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Direction(StrEnum):
    """Where an observed value lies relative to the usual range."""

    ABOVE = "ABOVE"
    BELOW = "BELOW"
    USUAL = "USUAL"


class Role(StrEnum):
    """The part that a model plays."""

    CANDIDATE = "CANDIDATE"
    CHAMPION = "CHAMPION"
    SHADOW = "SHADOW"
    RETIRED = "RETIRED"


class Judgement(StrEnum):
    """What a person says about an anomaly."""

    TRUE_ALARM = "TRUE_ALARM"
    FALSE_ALARM = "FALSE_ALARM"


class Evidence(NamedTuple):
    """What one metric adds to an alarm; see `anomaly.avsc` for units and ranges."""

    metric: str
    observed: float
    expected: float
    contribution: float
    direction: Direction
    low: float | None = None
    high: float | None = None


class Anomaly(NamedTuple):
    """A strange record and why; see `anomaly.avsc`."""

    id: str
    topic: str
    partition: int
    offset: int
    key: str | None
    timestamp: int  # ms since the epoch, UTC
    detector: str
    model_version: str
    score: float  # in [0, 1]; higher is stranger
    threshold: float
    severity: Severity
    evidence: tuple[Evidence, ...]
    reason: str
    one_in: int | None = None

    def to_avro(self) -> dict[str, Any]:
        """The record as the Avro encoder takes it."""
        return {**self._asdict(), "evidence": [entry._asdict() for entry in self.evidence]}

    @classmethod
    def from_avro(cls, record: dict[str, Any]) -> Self:
        """The other way round."""
        evidence = tuple(
            Evidence(**{**entry, "direction": Direction(entry["direction"])}) for entry in record["evidence"]
        )
        return cls(**{**record, "severity": Severity(record["severity"]), "evidence": evidence})


def anomaly_id(topic: str, partition: int, offset: int, timestamp: int, detector: str) -> str:
    """32 hexadecimal digits that depend on the record and the detector alone, so that replays agree."""
    address = f"{topic}/{partition}/{offset}/{timestamp}/{detector}"
    return hashlib.blake2b(address.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class ModelAnnouncement:
    """A model bundle on the shared volume and its role; see `model.avsc`."""

    name: str
    version: str
    path: str
    manifest_sha256: str
    role: Role
    timestamp: int  # ms since the epoch, UTC
    evaluation: str | None = None

    @property
    def key(self) -> str:
        """The compaction key: one announcement stays for each model and role."""
        return f"{self.role}/{self.name}"

    def to_avro(self) -> dict[str, Any]:
        """The record as the Avro encoder takes it."""
        return dict(vars(self))

    @classmethod
    def from_avro(cls, record: dict[str, Any]) -> Self:
        """The other way round."""
        return cls(**{**record, "role": Role(record["role"])})


@dataclass(frozen=True)
class Verdict:
    """What a person said about an anomaly; see `verdict.avsc`. One that is taken back is a tombstone."""

    anomaly_id: str
    verdict: Judgement
    by: str
    timestamp: int  # ms since the epoch, UTC
    why: str | None = None

    def to_avro(self) -> dict[str, Any]:
        """The record as the Avro encoder takes it."""
        return dict(vars(self))

    @classmethod
    def from_avro(cls, record: dict[str, Any]) -> Self:
        """The other way round."""
        return cls(**{**record, "verdict": Judgement(record["verdict"])})
