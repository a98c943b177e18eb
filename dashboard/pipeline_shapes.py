"""The pipeline as the API gives it, version 1. Instants are milliseconds since the epoch, UTC."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from dashboard.shape import Shape
from kafka_cluster.incident import Incident, Kind, Phase, State
from kafka_cluster.records import Severity


class PartitionOut(Shape):
    """One partition of the metrics topic, as the prediction group has it."""

    partition: int
    end: int
    committed: int | None
    lag: int | None
    rate: float = Field(description="Records/s that come in.")
    holder: str | None = Field(description="The member that holds it.")


class MemberOut(Shape):
    """One member of the prediction group."""

    name: str
    host: str
    partitions: list[int]


class LetterOut(Shape):
    """One dead letter."""

    address: str
    error: str
    reason: str
    died_ms: int
    size_bytes: int


class TroubleOut(Shape):
    """Something that does not answer."""

    where: str
    what: str
    since_ms: int


class WaitingOut(Shape):
    """Why there is nothing to see yet."""

    state: Literal["topics", "records", "model", "consumers"]
    have: int | None = None
    need: int | None = None
    about_s: float | None = None


class HistoryOut(Shape):
    """The group that keeps every event in Cassandra."""

    group: str
    members: list[MemberOut]
    rate: float = Field(description="Events/s that come in.")
    stored_rate: float = Field(description="Events/s that are in the store and committed.")
    lag: int
    checked: float | None = Field(description="Share of the newest events that was checked, 0 to 1; the rest was shed.")


class AlertsOut(Shape):
    """Incidents, and who is told."""

    open: int
    untold: int = Field(description="Open ones of which a channel has not been told yet.")
    consumers: int = Field(description="Members of the group that tells; none: nobody is told of anything new.")


class ToldOut(Shape):
    """What one channel knows."""

    channel: str
    phase: Phase
    at_ms: int | None


class IncidentOut(Shape):
    """Anomalies of one key that belong together in time."""

    id: str
    kind: Kind
    key: str | None
    state: State
    severity: Severity
    total: int
    reason: str
    peak_id: str = Field(description="The anomaly with the highest score.")
    first_ms: int
    last_ms: int
    opened_ms: int | None
    resolved_ms: int | None
    reopened: int
    held_back: bool = Field(description="Over the limit of new incidents: told of in a storm's notice alone.")
    told: list[ToldOut]

    @classmethod
    def of(cls, one: Incident) -> Self:
        """As the topic has it."""
        told = [ToldOut(channel=each.channel, phase=each.phase, at_ms=each.at or None) for each in one.told]
        return cls(
            id=one.id, kind=one.kind, key=one.key, state=one.state, severity=one.severity, total=one.total,
            reason=one.reason, peak_id=one.peak_id, first_ms=one.first, last_ms=one.last, opened_ms=one.opened_at,
            resolved_ms=one.resolved_at, reopened=one.reopened, held_back=one.storm is not None, told=told,
        )  # fmt: skip


class IncidentsOut(Shape):
    """Open ones first."""

    incidents: list[IncidentOut]


class PipelineOut(Shape):
    """The pipeline at one instant."""

    at_ms: int
    records: int = Field(description="In the metrics topic, by its offsets.")
    rate: float = Field(description="Records/s that the producers send.")
    rates: list[float] = Field(description="The same, every two seconds, up to now.")
    quiet_s: float | None = Field(description="So long nothing came; null while records come.")
    partitions: list[PartitionOut]
    group: str
    group_state: str
    members: list[MemberOut]
    scored_rate: float
    lag: int | None
    lag_s: float | None
    anomalies: int
    open_anomalies: int
    dead_letters: int = Field(description="Not sent back yet.")
    dead_letters_total: int
    dead_letters_by_error: dict[str, int]
    history: HistoryOut | None = Field(description="Null where no such group reads the events.")
    alerts: AlertsOut | None = Field(description="Null where no such group reads the anomalies, and none ever did.")
    keys: int
    looked_at: float = Field(description="Share of the records that the page looks at, 0 to 1; below 1 it samples.")
    waiting: WaitingOut | None
    troubles: list[TroubleOut]


class LettersOut(Shape):
    """The newest dead letters."""

    letters: list[LetterOut]
