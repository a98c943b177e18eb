"""The core: a batch in columns and a model in, anomalies out. Knows no Kafka client."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from detectors.explain import Reason, reasons
from detectors.explain import Severity as Rank
from detectors.features import Float64s
from detectors.model import DETECTOR, Model
from kafka_cluster.codec import Columns
from kafka_cluster.records import Anomaly, Direction, Evidence, Severity, anomaly_id

# The maths and the wire each have their own words, equal in spelling.
SEVERITIES = tuple(Severity(severity.value) for severity in Rank)
DIRECTIONS = (Direction.USUAL, Direction.ABOVE, Direction.BELOW)  # by side: 0, 1 and -1, which is the last


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


def judge(
    batch: Batch, columns: Columns, model: Model, told: Callable[[Float64s], None] = lambda _scores: None
) -> list[Judged]:
    """The anomalies of a batch, in its order. `columns` is the batch, decoded; `told` gets the score of each row."""
    scores = model.score(columns.times_ms, columns.values)
    told(scores)
    strange = np.flatnonzero(model.alarms(scores))
    why = reasons(model, columns.times_ms[strange], columns.values[strange], scores[strange])
    rows, times_ms = columns.rows[strange].tolist(), columns.times_ms[strange].tolist()
    found = zip(rows, times_ms, scores[strange].tolist(), why, strict=True)
    return [Judged(row, _anomaly(batch, row, time_ms, score, model, why)) for row, time_ms, score, why in found]


def _anomaly(batch: Batch, row: int, time_ms: int, score: float, model: Model, why: Reason) -> Anomaly:
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
        severity=SEVERITIES[why.severity],
        evidence=tuple(
            [
                Evidence(metric, observed, expected, share, DIRECTIONS[side], low, high)
                for metric, observed, expected, share, side, low, high in why.evidence
            ]
        ),
        reason=why.sentence,
        one_in=why.one_in or None,
    )
