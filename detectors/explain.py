"""Reasons for an alarm: which metric carries it, how far it is from usual, in one sentence. Anomalies alone pay."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from detectors.features import Float64s, Int64s, hour
from detectors.model import Model
from detectors.profile import Profile

TELLING_RATIO = 1.5  # from here on, "n times the usual" says more than two numbers
WHOLE_NUMBERS_FROM = 10  # a ratio of 41.3 is 41


class Severity(StrEnum):
    """How far above the threshold."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Direction(StrEnum):
    """Where a value lies relative to the central range of the training data at that hour."""

    ABOVE = "ABOVE"
    BELOW = "BELOW"
    USUAL = "USUAL"


_SEVERITIES = tuple(Severity)
_DIRECTIONS = (Direction.USUAL, Direction.ABOVE, Direction.BELOW)  # by side: 0, 1 and -1, which is the last
_USUAL, _ABOVE = 0, 1  # _DIRECTIONS' places; BELOW's is 2, or -1
SIDE = 4  # place in an entry
# An Evidence, its direction as 1 (above), -1 (below) or 0.
Entry = tuple[str, float, float, float, int, float | None, float | None]


class Evidence(NamedTuple):
    """What one metric adds to an alarm."""

    metric: str
    observed: float  # in the metric's unit
    expected: float  # the median at that hour
    contribution: float  # share of the alarm, in [0, 1]
    direction: Direction
    low: float | None = None  # the central range at that hour
    high: float | None = None


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


class Reason(NamedTuple):
    """An Explanation in plain numbers, for those who have words of their own."""

    severity: int  # position in Severity
    evidence: list[Entry]  # the largest contribution first
    sentence: str
    one_in: int  # records in which a score as high comes once; 0 is not known


def explain(model: Model, times_ms: Int64s, values: Float64s, scores: Float64s) -> list[Explanation]:
    """One explanation a row: `times_ms` and `scores` of shape (n,), `values` of shape (n, m)."""
    return [
        Explanation(
            _SEVERITIES[why.severity],
            tuple(
                Evidence(metric, observed, expected, share, _DIRECTIONS[side], low, high)
                for metric, observed, expected, share, side, low, high in why.evidence
            ),
            why.sentence,
        )
        for why in reasons(model, times_ms, values, scores)
    ]


def reasons(model: Model, times_ms: Int64s, values: Float64s, scores: Float64s) -> list[Reason]:
    """What `explain` says, at a third of the price."""
    if len(scores) == 0:
        return []
    shares = contributions(model, times_ms, values, scores)
    order = np.argsort(-shares, axis=1, kind="stable")
    columns = (*compared(model.profile, times_ms, values), shares)
    one_in = model.one_in(scores).tolist()
    # From here on in plain Python numbers: taking one at a time out of an array costs more than all the rest.
    rows = zip(
        _ranks(model, scores), order.tolist(), *(np.take_along_axis(one, order, 1).tolist() for one in columns),
        hour(times_ms).tolist(), one_in, strict=True,
    )  # fmt: skip
    found = []
    for rank, places, observed, expected, side, low, high, share, at_hour, once in rows:
        names = [model.metrics[place] for place in places]
        evidence = list(zip(names, observed, expected, share, side, low, high, strict=True))
        rare = f"; once in {once:,} records" if once else ""
        found.append(Reason(rank, evidence, _sentence(evidence, at_hour) + rare, once))
    return found


def compared(
    profile: Profile, times_ms: Int64s, values: Float64s
) -> tuple[Float64s, Float64s, Int64s, Float64s, Float64s]:
    """Observed, expected, side, and the central range at that hour; shape (n, m) each."""
    low, high = profile.usual(times_ms)
    return values, profile.expected(times_ms), (values > high).astype(np.int64) - (values < low), low, high


def _ranks(model: Model, scores: Float64s) -> list[int]:
    halfway = (model.threshold + model.top_score) / 2
    ranks: list[int] = np.where(scores > model.top_score, 2, scores > halfway).tolist()
    return ranks


def severity(model: Model, score: float) -> Severity:
    """HIGH beyond anything seen in training, MEDIUM in the upper half between threshold and that, else LOW."""
    return _SEVERITIES[_ranks(model, np.asarray([score]))[0]]


def sentence(evidence: Sequence[Evidence], at_hour: int) -> str:
    """Such as `network 41x the usual for 16:00 UTC; cpu and disk normal`. The hour is 0 to 23."""
    return _sentence(
        [(*entry[:4], _DIRECTIONS.index(entry.direction), entry.low, entry.high) for entry in evidence], at_hour
    )


def _sentence(evidence: list[Entry], at_hour: int) -> str:
    strange = [_compared(entry) for entry in evidence if entry[SIDE] != _USUAL]
    if not strange:
        return f"unusual combination of {_listed([entry[0] for entry in evidence])} for {at_hour:02}:00 UTC"
    normal = [entry[0] for entry in evidence if entry[SIDE] == _USUAL]
    return f"{', '.join(strange)} for {at_hour:02}:00 UTC" + (f"; {_listed(normal)} normal" if normal else "")


def single(entry: Entry, at_hour: int, detector: str, words: str | None) -> str:
    """The sentence of a detector that looks at one metric: its own words for it if it has any, else ours."""
    if words is not None:
        return f"{entry[0]} {words}"
    if entry[SIDE] != _USUAL:
        return f"{_compared(entry)} for {at_hour:02}:00 UTC"
    return f"{entry[0]} {entry[1]:.4g} is in its usual range, but its course is not ({detector})"


def _compared(entry: Entry) -> str:
    metric, observed, expected, _, side, low, high = entry
    if expected > 0:
        ratio = observed / expected
        if ratio >= WHOLE_NUMBERS_FROM:
            return f"{metric} {ratio:,.0f}x the usual"
        if ratio >= TELLING_RATIO:
            return f"{metric} {ratio:.1f}x the usual"
        if 0 < ratio <= 1 / TELLING_RATIO:
            return f"{metric} {ratio:.0%} of the usual"
    usual = f"{expected:.4g}" if low is None or high is None or low == high else f"{low:.4g} to {high:.4g}"
    return f"{metric} {observed:.4g}, {'above' if side == _ABOVE else 'below'} the usual {usual}"


def _listed(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
