"""What the API gives and takes, version 1. Instants are milliseconds since the epoch, UTC."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from dashboard.anomalies import Judged
from dashboard.pipeline_shapes import PipelineOut
from dashboard.ring import Points
from dashboard.shape import Shape
from dashboard.similar import Similar
from kafka_cluster.records import Direction, Judgement, Severity

SIGNIFICANT = 6  # digits of a value, which was a float32
SCORE_DIGITS = 4
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class EvidenceOut(Shape):
    """What one metric adds to an alarm."""

    metric: str
    observed: float
    expected: float = Field(description="Median at that hour of the day in the training data.")
    contribution: float = Field(description="Share of the alarm, 0 to 1.")
    direction: Direction
    low: float | None = Field(default=None, description="The range that holds 98 % of the training data at that hour …")
    high: float | None = None


class VerdictIn(Shape):
    """What a person says about an anomaly."""

    verdict: Judgement
    by: Name = "page"
    why: Text | None = None


class VerdictOut(Shape):
    """What a person said."""

    verdict: Judgement
    by: str
    at_ms: int
    why: str | None


class AnomalyOut(Shape):
    """One anomaly, its reason, and the verdict if there is one."""

    id: str
    key: str | None
    at_ms: int
    severity: Severity
    score: float
    threshold: float
    detector: str
    model_version: str
    reason: str
    one_in: int | None = Field(description="A score as high came once in so many records of the training data.")
    evidence: list[EvidenceOut]
    address: str = Field(description="topic/partition/offset of the record.")
    verdict: VerdictOut | None

    @classmethod
    def of(cls, judged: Judged) -> AnomalyOut:
        """The record as the API gives it."""
        anomaly, said = judged.anomaly, judged.verdict
        return cls(
            id=anomaly.id,
            key=anomaly.key,
            at_ms=anomaly.timestamp,
            severity=anomaly.severity,
            score=anomaly.score,
            threshold=anomaly.threshold,
            detector=anomaly.detector,
            model_version=anomaly.model_version,
            reason=anomaly.reason,
            one_in=anomaly.one_in,
            evidence=[EvidenceOut(**one._asdict()) for one in anomaly.evidence],
            address=f"{anomaly.topic}/{anomaly.partition}/{anomaly.offset}",
            verdict=said and VerdictOut(verdict=said.verdict, by=said.by, at_ms=said.timestamp, why=said.why),
        )


class AnomaliesOut(Shape):
    """Anomalies, the latest event time first."""

    anomalies: list[AnomalyOut]
    matching: int
    kept: int
    dropped: int = Field(description="Older ones that the page does not keep any more; the topic does.")


class SimilarOut(Shape):
    """Earlier anomalies of the same detector, led by the same metric on the same side, the closest first."""

    similar: list[AnomalyOut]
    total: int
    true_alarms: int = Field(description="How many of all of them people called true.")
    false_alarms: int

    @classmethod
    def of(cls, found: Similar) -> SimilarOut:
        """As the API gives it."""
        return cls(
            similar=[AnomalyOut.of(one) for one in found.closest],
            total=found.total,
            true_alarms=found.verdicts[Judgement.TRUE_ALARM],
            false_alarms=found.verdicts[Judgement.FALSE_ALARM],
        )


class PointsOut(Shape):
    """n points in the order in which they came."""

    t: list[int] = Field(description="Event times.")
    v: list[list[float]] = Field(description="One list a metric, n values each.")
    s: list[float | None] = Field(description="Scores; null where no model has scored.")

    @classmethod
    def of(cls, points: Points) -> PointsOut:
        """Rounded for the wire."""
        scores = [None if one != one else round(one, SCORE_DIGITS) for one in points.scores.tolist()]  # noqa: PLR0124 - NaN
        values = [[float(f"{one:.{SIGNIFICANT}g}") for one in column] for column in points.values.T.tolist()]
        return cls.model_construct(t=points.times_ms.tolist(), v=values, s=scores)


class MetricOut(Shape):
    """One panel: a metric, its unit, its labelled windows."""

    name: str
    unit: str
    windows: list[tuple[int, int]]


class UsualOut(Shape):
    """What is usual for a metric, from the training data."""

    median: list[float] = Field(description="By hour of the day, UTC: 24 values.")
    low: float = Field(description="1 % of the training data lie below.")
    high: float = Field(description="1 % lie above.")


class ModelOut(Shape):
    """The champion."""

    name: str
    version: str
    announced_ms: int
    readable: bool = Field(description="False: the bundle is not in reach, `why` says why.")
    why: str
    threshold: float | None
    top_score: float | None
    features: list[str]
    usual: dict[str, UsualOut]
    training_rows: int | None
    trained_from_ms: int | None
    trained_to_ms: int | None
    has_plot: bool


class ModelDetailsOut(Shape):
    """The champion with its manifest and evaluation, as they stand in the bundle, and those before it."""

    champion: ModelOut | None
    manifest: dict[str, Any] | None
    evaluation: dict[str, Any] | None
    announced: list[dict[str, Any]] = Field(description="Announcements, the newest first.")


class KeyOut(Shape):
    """One key."""

    key: str
    partition: int
    records: int
    anomalies: int
    last_ms: int


class KeysOut(Shape):
    """Keys that match, the first of them."""

    keys: list[KeyOut]
    matching: int
    kept: int
    forgotten: int


class Update(Shape):
    """One message of the stream: what changed since the last one."""

    reset: bool = Field(description="True: forget what came before, here is all.")
    now_ms: int
    metrics: list[MetricOut] | None = None
    points: PointsOut | None = None
    anomalies: list[AnomalyOut] = Field(default_factory=list)
    pipeline: PipelineOut | None = None
    model: ModelOut | None = None


class SessionIn(Shape):
    """The token, once, for a browser."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Problem(BaseModel):
    """What went wrong, in one line."""

    detail: str
