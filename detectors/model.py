"""A model: everything that turns instants and metric values into scores and decisions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detectors.features import Float64s, Int64s, engineer
from detectors.forest import FlatForest
from detectors.profile import Profile

DETECTOR = "isolation-forest"
TAIL = 1_000  # scores that are kept
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Model:
    """A forest, the features it was grown on, and where its alarms begin."""

    metrics: tuple[str, ...]  # the columns of `values`
    features: tuple[str, ...]  # the columns of the forest, in order
    forest: FlatForest
    profile: Profile
    threshold: float  # in (0, 1]; a score above it is an anomaly
    top_score: float  # the highest score of the training data
    version: str
    # The highest scores of the training data, ascending, and how many records that had; for how rare a score is.
    tail: Float64s = field(default_factory=lambda: np.empty(0))
    rows: int = 0

    def one_in(self, scores: Float64s) -> Int64s:
        """Shape (n,): in how many records a score as high comes once, by the training data; 0 is not known.

        A score above all of them is once in one more than there were; one below the kept tail is not rare.
        """
        as_high = len(self.tail) - np.searchsorted(self.tail, scores, side="left")
        known = (len(self.tail) > 0) & (scores >= (self.tail[0] if len(self.tail) else np.inf))
        rare: Int64s = np.where(known, (self.rows + 1) // (as_high + 1), 0).astype(np.int64)
        return rare

    def score(self, times_ms: Int64s, values: Float64s) -> Float64s:
        """Shape (n,), in (0, 1]; higher is stranger. `values` has shape (n, m), finite, in the metrics' units."""
        return self.forest.score(engineer(times_ms, values, self.metrics, self.features))

    def alarms(self, scores: Float64s) -> Bools:
        """Shape (n,): which scores are anomalies. Equals scikit-learn's `predict(…) == -1`."""
        alarms: Bools = scores > self.threshold
        return alarms
