"""Charts that crossed the line, as anomalies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from consumer_history.checks import Checked
from consumer_history.decode import Events
from consumer_history.settings import HistorySettings
from detectors.cusum import DETECTOR, THRESHOLD
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.records import Anomaly, Direction, Evidence, Severity, anomaly_id

METRIC = "value"
# Of the score, a third each of what lies between threshold and 1: sums of 2 and 5 times the decision interval.
MEDIUM_FROM, HIGH_FROM = THRESHOLD + (1 - THRESHOLD) / 3, THRESHOLD + (1 - THRESHOLD) * 2 / 3


class Found(NamedTuple):
    """An anomaly, and the Kafka key of its event."""

    key: bytes | None
    anomaly: Anomaly


def version(settings: HistorySettings) -> str:
    """Names the parameters, where other detectors name their model."""
    return (
        f"depth={settings.check_depth} reference={settings.check_reference} "
        f"k={settings.check_slack:g} h={settings.check_decision:g}"
    )


def report(consumed: ConsumedBatch, events: Events, checked: Checked, settings: HistorySettings) -> list[Found]:
    """The anomalies of a batch, in its order. Where histories are those of H3 cells, the anomaly's key is the cell."""
    scores = checked.chart.scores(settings.check_decision)
    strange = np.flatnonzero(scores > THRESHOLD)
    batch, chart, named = events.batch, checked.chart, version(settings)
    columns = (
        events.rows, batch.keys, batch.partitions, batch.offsets, batch.times_ms, batch.values,
        scores, chart.up, chart.down, chart.expected,
    )  # fmt: skip
    found, by_cell = [], settings.history_key == "cell"
    for row, cell, partition, offset, time_ms, value, score, up, down, expected in zip(
        *(column[strange].tolist() for column in columns), strict=True
    ):
        key = consumed.key(row)
        above = up >= down
        direction = Direction.ABOVE if above else Direction.BELOW
        anomaly = Anomaly(
            id=anomaly_id(consumed.topic, partition, offset, time_ms, DETECTOR),
            topic=consumed.topic,
            partition=partition,
            offset=offset,
            key=f"{cell:x}" if by_cell else None if key is None else key.decode(errors="replace"),
            timestamp=time_ms,
            detector=DETECTOR,
            model_version=named,
            score=score,
            threshold=THRESHOLD,
            severity=_severity(score),
            evidence=(Evidence(METRIC, value, expected, 1.0, direction),),
            reason=_reason(value, expected, up if above else down, settings.check_decision, above=above),
        )
        found.append(Found(key, anomaly))
    return found


def _severity(score: float) -> Severity:
    if score >= HIGH_FROM:
        return Severity.HIGH
    return Severity.MEDIUM if score >= MEDIUM_FROM else Severity.LOW


def _reason(value: float, expected: float, total: float, decision: float, *, above: bool) -> str:
    side = "above" if above else "below"
    return f"{value:.6g} after a run {side} the usual {expected:.6g}: CUSUM at {total:.1f} of {decision:g} spreads"
