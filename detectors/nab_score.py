"""The scoring function of the Numenta Anomaly Benchmark, over arrays.

A detection at relative position y is worth w(y) = 2 / (1 + e^(5y)) - 1. Inside a labelled window y runs from -1 at the
left end to just below 0 at the right; of the detections in it the best one counts, + tp · w(y) / w(-1), and a window
without one costs fn. Behind a window y grows by one a window's width; a detection outside costs fp · w(y), and all of
fp beyond three widths and before the first window. The first 15 % of a series, at most 750 records, are not scored.
One threshold serves the whole corpus: the one with the highest sum. That sum is then put on a scale where no detection
at all is 0 and the first record of each window, and no other, is 100. A score of 0 is never a detection.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark", ICMLA 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled

Bools = npt.NDArray[np.bool_]
Float64s = npt.NDArray[np.float64]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

PROBATION_SHARE = 0.15
PROBATION_AT_MOST = 750  # records: 15 % of 5,000
NEVER = 1.1  # the threshold that no score reaches
FAR = 3.0  # window widths: a false alarm beyond them costs all of its weight


class Profile(NamedTuple):
    """What a hit, a false alarm and a miss weigh."""

    tp: float
    fp: float
    fn: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
}


@dataclass(frozen=True)
class Truth:
    """What is labelled in one series of n records, and what a detection at each record is worth."""

    probation: int  # records at the start that are not scored
    windows: int
    window: Int32s  # shape (n,): which window a record is in, -1 for none
    worth: Float64s  # shape (n,): in (0, 1] inside windows, [-1, 0) outside, before any weight
    starts: Int64s  # shape (windows,): the first record of each window


@dataclass(frozen=True)
class Score:
    """The result of one profile."""

    score: float  # 0: as good as silence; 100: perfect; below 0: worse than silence
    threshold: float  # a record with this score or a higher one is a detection


def probation(records: int) -> int:
    """How many records at the start of a series are not scored."""
    return min(int(PROBATION_SHARE * records), PROBATION_AT_MOST)


def worth_at(position: Float64s) -> Float64s:
    """Shape (n,), in [-1, 1]: the worth of a detection at a position in window widths, 0 at the right end."""
    worth: Float64s = 2.0 / (1.0 + np.exp(5.0 * np.minimum(position, FAR))) - 1.0
    worth[position > FAR] = -1.0
    return worth


def truth(times_ms: Int64s, windows: Sequence[tuple[int, int]]) -> Truth:
    """Label the n records of a series. Windows are (first, last) milliseconds, both inside, in order and apart."""
    n = len(times_ms)
    window = np.full(n, -1, dtype=np.int32)
    position = np.full(n, np.inf)
    starts = np.full(len(windows), n, dtype=np.int64)
    for number, (first_ms, last_ms) in enumerate(windows):
        inside = np.flatnonzero((times_ms >= first_ms) & (times_ms <= last_ms))
        if not len(inside):
            continue
        first, last = int(inside[0]), _first_of_instant(times_ms, int(inside[-1]))
        width = last - first + 1
        starts[number] = first
        window[first : last + 1] = number
        position[first : last + 1] = np.arange(-width, 0) / width
        position[last + 1 :] = np.arange(1, n - last) / max(width - 1, 1)
    worth = worth_at(position)
    worth[window >= 0] /= worth_at(np.array([-1.0]))[0]
    return Truth(probation(n), len(windows), window, worth, starts)


def _first_of_instant(times_ms: Int64s, row: int) -> int:
    # Some series repeat an hour when the clocks change; the benchmark ends a window at the first of equal instants.
    while row > 0 and times_ms[row - 1] == times_ms[row]:
        row -= 1
    return row


class Scorer:
    """Scores detectors on one corpus; everything that does not depend on the detector is worked out once."""

    def __init__(self, truths: Sequence[Truth]) -> None:
        self.truths = tuple(truths)
        self.windows = sum(each.windows for each in self.truths)
        firsts = np.cumsum([0, *(each.windows for each in self.truths)])
        scored = [slice(each.probation, None) for each in self.truths]
        self._scored = scored
        self._worth = np.concatenate([each.worth[part] for each, part in zip(self.truths, scored, strict=True)])
        numbers = [
            np.where(each.window[part] >= 0, each.window[part] + first, -1)
            for each, part, first in zip(self.truths, scored, firsts, strict=False)
        ]
        self._window = np.concatenate(numbers).astype(np.int32)

    def score(self, scores: Sequence[Float64s]) -> dict[str, Score]:
        """The score of each profile at its best threshold; `scores` holds an array in [0, 1] for each truth."""
        flat = self._flat(scores)
        loud = np.flatnonzero(flat > 0.0)
        order = loud[np.argsort(-flat[loud], kind="stable")]
        swept = (flat[order], self._worth[order], self._window[order], self.windows)
        return {name: self._normal(profile, *sweep(*swept, *profile)) for name, profile in PROFILES.items()}

    def score_at(self, scores: Sequence[Float64s], threshold: float, profile: Profile) -> float:
        """The score of one profile at a threshold that was fixed beforehand, above 0."""
        flat = self._flat(scores)
        at = np.flatnonzero(flat >= threshold)
        return self._normal(profile, total(self._worth[at], self._window[at], self.windows, *profile), threshold).score

    def _flat(self, scores: Sequence[Float64s]) -> Float64s:
        for each, its in zip(self.truths, scores, strict=True):
            if len(each.worth) != len(its):
                raise ValueError(f"need {len(each.worth)} scores, got {len(its)}")
        return np.concatenate([its[part] for its, part in zip(scores, self._scored, strict=True)])

    def _normal(self, profile: Profile, raw: float, threshold: float) -> Score:
        silence, perfect = -profile.fn * self.windows, profile.tp * self.windows
        share = (raw - silence) / (perfect - silence) if self.windows else 0.0
        return Score(100.0 * share, threshold)


@compiled
def sweep(
    scores: Float64s, worth: Float64s, window: Int32s, windows: int, tp: float, fp: float, fn: float
) -> tuple[float, float]:
    """The highest raw score over all thresholds and the (highest) threshold that has it; rows by falling score."""
    best_in = np.full(windows, -fn)
    current = -fn * windows
    best, best_at = current, NEVER
    for i in range(len(scores)):
        at = window[i]
        if at < 0:
            current += fp * worth[i]
        elif tp * worth[i] > best_in[at]:
            current += tp * worth[i] - best_in[at]
            best_in[at] = tp * worth[i]
        if (i + 1 == len(scores) or scores[i + 1] != scores[i]) and current > best:
            best, best_at = current, scores[i]
    return best, best_at


@compiled
def total(worth: Float64s, window: Int32s, windows: int, tp: float, fp: float, fn: float) -> float:
    """The raw score of the detections given."""
    best_in = np.full(windows, -fn)
    false_alarms = 0.0
    for i in range(len(worth)):
        at = window[i]
        if at < 0:
            false_alarms += fp * worth[i]
        else:
            best_in[at] = max(best_in[at], tp * worth[i])
    return false_alarms + float(best_in.sum())
