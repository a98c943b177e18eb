"""The core: a batch in columns and a model in, anomalies out. Knows no Kafka client."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from detectors import explain
from detectors.model import DETECTOR, Model
from kafka_cluster.codec import Columns
from kafka_cluster.records import Anomaly, Direction, Evidence, Severity, anomaly_id

# The maths and the wire each have their own words, equal in spelling.
_DIRECTIONS = {direction: Direction(direction.value) for direction in explain.Direction}
_SEVERITIES = {severity: Severity(severity.value) for severity in explain.Severity}


class Batch(Protocol):
    """n records as they came. Only of what is strange are address and key asked for."""

    topic: str
    values: list[bytes | None]

    def address(self, row: int) -> tuple[int, int]:
        """Partition and offset of a record."""

    def key(self, row: int) -> bytes | None:
        """The key of a record."""


class Judged(NamedTuple):
    """An anomaly, and which record of the batch it is."""

    row: int
    anomaly: Anomaly


def judge(batch: Batch, columns: Columns, model: Model) -> list[Judged]:
    """The anomalies of a batch, in its order. `columns` is the batch, decoded."""
    scores = model.score(columns.times_ms, columns.values)
    strange = np.flatnonzero(model.alarms(scores))
    explanations = explain.explain(model, columns.times_ms[strange], columns.values[strange], scores[strange])
    judged = []
    rows = zip(
        columns.rows[strange].tolist(),
        columns.times_ms[strange].tolist(),
        scores[strange].tolist(),
        explanations,
        strict=True,
    )
    for row, time_ms, score, explanation in rows:
        judged.append(Judged(row, _anomaly(batch, row, time_ms, score, model, explanation)))
    return judged


def _anomaly(batch: Batch, row: int, time_ms: int, score: float, model: Model, why: explain.Explanation) -> Anomaly:
    partition, offset = batch.address(row)
    key = batch.key(row)
    return Anomaly(
        id=anomaly_id(batch.topic, partition, offset, time_ms, DETECTOR),
        topic=batch.topic,
        partition=partition,
        offset=offset,
        key=None if key is None else key.decode(errors="replace"),
        timestamp=time_ms,
        detector=DETECTOR,
        model_version=model.version,
        score=score,
        threshold=model.threshold,
        severity=_SEVERITIES[why.severity],
        evidence=tuple(
            Evidence(e.metric, e.observed, e.expected, e.contribution, _DIRECTIONS[e.direction]) for e in why.evidence
        ),
        reason=why.reason,
    )
