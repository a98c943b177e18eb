"""Earlier anomalies of the same kind, the closest first, and what people said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.anomalies import Judged
from kafka_cluster.records import Anomaly, Direction, Judgement

Shares = dict[tuple[str, Direction], float]  # by metric and side, its part of the alarm


@dataclass(frozen=True)
class Similar:
    """The closest few of `total`, and the verdicts on all of them."""

    closest: list[Judged]
    total: int
    verdicts: Counter[Judgement]


def similar(anomaly: Anomaly, kept: Iterable[Judged], limit: int) -> Similar:
    """Those that are earlier, of the same detector, and led by the same metric on the same side.

    The closest are those of the same key, then those whose metrics have the most alike shares of the alarm, then the
    latest. The distance of two alarms is the sum of the differences of their shares, from 0 to 2.
    """
    ours, lead = _shares(anomaly), _lead(anomaly)
    found = [
        one
        for one in kept
        if one.anomaly.id != anomaly.id
        and one.anomaly.timestamp <= anomaly.timestamp
        and one.anomaly.detector == anomaly.detector
        and _lead(one.anomaly) == lead
    ]

    def apart(one: Judged) -> tuple[bool, float, int]:
        theirs = _shares(one.anomaly)
        distance = sum(abs(ours.get(part, 0.0) - theirs.get(part, 0.0)) for part in ours.keys() | theirs.keys())
        return one.anomaly.key != anomaly.key, round(distance, 2), -one.anomaly.timestamp

    said = Counter(one.verdict.verdict for one in found if one.verdict is not None)
    return Similar(sorted(found, key=apart)[:limit], len(found), said)


def _shares(anomaly: Anomaly) -> Shares:
    return {(one.metric, one.direction): one.contribution for one in anomaly.evidence if one.contribution > 0}


def _lead(anomaly: Anomaly) -> tuple[str, Direction] | None:
    shares = _shares(anomaly)
    return max(shares, key=lambda part: shares[part]) if shares else None
