"""The core: a batch in columns and a model in, anomalies out. Knows no Kafka client."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.explain import Explanation, explain
from detectors.model import DETECTOR, Model
from kafka_cluster.codec import Columns
from kafka_cluster.records import Anomaly, Direction, Evidence, Severity, anomaly_id


class Batch(NamedTuple):
    """n records as they came, one entry of each list a record."""

    topic: str
    partitions: list[int]
    offsets: list[int]
    keys: list[bytes | None]
    values: list[bytes | None]


class Judged(NamedTuple):
    """An anomaly, and which record of the batch it is."""

    row: int
    anomaly: Anomaly


def judge(batch: Batch, columns: Columns, model: Model) -> list[Judged]:
    """The anomalies of a batch, in its order. `columns` is the batch, decoded."""
    scores = model.score(columns.times_ms, columns.values)
    strange = np.flatnonzero(model.alarms(scores))
    explanations = explain(model, columns.times_ms[strange], columns.values[strange], scores[strange])
    judged = []
    for at, explanation in zip(strange, explanations, strict=True):
        row = int(columns.rows[at])
        anomaly = _anomaly(batch, row, int(columns.times_ms[at]), float(scores[at]), model, explanation)
        judged.append(Judged(row, anomaly))
    return judged


def _anomaly(batch: Batch, row: int, time_ms: int, score: float, model: Model, why: Explanation) -> Anomaly:
    partition, offset, key = batch.partitions[row], batch.offsets[row], batch.keys[row]
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
        severity=Severity(why.severity),
        evidence=tuple(
            Evidence(e.metric, e.observed, e.expected, e.contribution, Direction(e.direction)) for e in why.evidence
        ),
        reason=why.reason,
    )
