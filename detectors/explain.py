"""Reasons for an alarm: which metric carries it, how far it is from usual, in one sentence. Anomalies alone pay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from detectors.features import Float64s, Int64s, hour
from detectors.model import Model

TELLING_RATIO = 1.5  # from here on, "n times the usual" says more than two numbers
WHOLE_NUMBERS_FROM = 10  # a ratio of 41.3 is 41


class Severity(StrEnum):
    """How far above the threshold."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Direction(StrEnum):
    """Where a value lies relative to the central range of the training data."""

    ABOVE = "ABOVE"
    BELOW = "BELOW"
    USUAL = "USUAL"


_DIRECTIONS = {1: Direction.ABOVE, -1: Direction.BELOW, 0: Direction.USUAL}


class Evidence(NamedTuple):
    """What one metric adds to an alarm."""

    metric: str
    observed: float  # in the metric's unit
    expected: float  # the median at that hour
    contribution: float  # share of the alarm, in [0, 1]
    direction: Direction


class Explanation(NamedTuple):
    """Why one record is an anomaly."""

    severity: Severity
    evidence: tuple[Evidence, ...]
    reason: str


def contributions(model: Model, times_ms: Int64s, values: Float64s, scores: Float64s) -> Float64s:
    """Share of each metric in each alarm, shape (n, m), rows sum to 1 (or are 0 where no metric alone matters).

    A metric's part is how much the score falls when the metric alone is put back to its usual value at that
    hour (conditional replacement by the median); metrics that do not lower it have no part.
    """
    expected = model.profile.expected(times_ms)
    drops = np.zeros_like(values)
    for column in range(values.shape[1]):
        replaced = values.copy()
        replaced[:, column] = expected[:, column]
        drops[:, column] = np.maximum(0.0, scores - model.score(times_ms, replaced))
    total = drops.sum(axis=1, keepdims=True)
    shares: Float64s = np.divide(drops, total, out=np.zeros_like(drops), where=total > 0)
    return shares


def explain(model: Model, times_ms: Int64s, values: Float64s, scores: Float64s) -> list[Explanation]:
    """One explanation a row: `times_ms` and `scores` of shape (n,), `values` of shape (n, m)."""
    if len(scores) == 0:
        return []
    expected = model.profile.expected(times_ms)
    shares = contributions(model, times_ms, values, scores)
    order = np.argsort(-shares, axis=1, kind="stable")
    directions = np.where(values > model.profile.high, 1, np.where(values < model.profile.low, -1, 0))
    # From here on in plain Python numbers: taking one at a time out of an array costs more than all the rest.
    rows = zip(
        order.tolist(), values.tolist(), expected.tolist(), shares.tolist(), directions.tolist(),
        hour(times_ms).tolist(), scores.tolist(), strict=True,
    )  # fmt: skip
    explanations = []
    for columns, observed, usual, share, direction, at_hour, score in rows:
        evidence = tuple(
            Evidence(model.metrics[at], observed[at], usual[at], share[at], _DIRECTIONS[direction[at]])
            for at in columns
        )
        explanations.append(Explanation(severity(model, score), evidence, sentence(evidence, at_hour)))
    return explanations


def severity(model: Model, score: float) -> Severity:
    """HIGH beyond anything seen in training, MEDIUM in the upper half between threshold and that, else LOW."""
    if score > model.top_score:
        return Severity.HIGH
    return Severity.MEDIUM if score > (model.threshold + model.top_score) / 2 else Severity.LOW


def sentence(evidence: Sequence[Evidence], at_hour: int) -> str:
    """Such as `network 41x the usual for 16:00 UTC; cpu and disk normal`. The hour is 0 to 23."""
    at = f"{at_hour:02}:00 UTC"
    strange = [entry for entry in evidence if entry.direction is not Direction.USUAL]
    if not strange:
        return f"unusual combination of {_listed(entry.metric for entry in evidence)} for {at}"
    parts = ", ".join(_compared(entry) for entry in strange)
    normal = [entry.metric for entry in evidence if entry.direction is Direction.USUAL]
    return f"{parts} for {at}" + (f"; {_listed(normal)} normal" if normal else "")


def _compared(entry: Evidence) -> str:
    if entry.expected > 0:
        ratio = entry.observed / entry.expected
        if ratio >= TELLING_RATIO:
            digits = 0 if ratio >= WHOLE_NUMBERS_FROM else 1
            return f"{entry.metric} {ratio:,.{digits}f}x the usual"
        if 0 < ratio <= 1 / TELLING_RATIO:
            return f"{entry.metric} {ratio:.0%} of the usual"
    side = "above" if entry.direction is Direction.ABOVE else "below"
    return f"{entry.metric} {entry.observed:.4g}, {side} the usual {entry.expected:.4g}"


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
