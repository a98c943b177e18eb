"""What is usual: the median of each metric at each hour of the day, and its central range, from training data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.features import Float64s, Int64s, hour

HOURS = 24
CENTRAL = (0.01, 0.99)  # the quantiles between which a value counts as usual


@dataclass(frozen=True)
class Profile:
    """The usual values of m metrics, in the metrics' own units."""

    median: Float64s  # shape (24, m): by hour of the day, UTC; hours without data hold the overall median
    low: Float64s  # shape (m,): 1 % of the training data lie below
    high: Float64s  # shape (m,): 1 % lie above

    @classmethod
    def learn(cls, times_ms: Int64s, values: Float64s) -> Profile:
        """The profile of training data: `times_ms` of shape (n,), `values` of shape (n, m), n at least 1."""
        overall = np.median(values, axis=0)
        hours = hour(times_ms)
        by_hour = [np.median(values[hours == h], axis=0) if (hours == h).any() else overall for h in range(HOURS)]
        low, high = np.quantile(values, CENTRAL, axis=0)
        return cls(np.asarray(by_hour), low, high)

    def expected(self, times_ms: Int64s) -> Float64s:
        """Shape (n, m): the median at the hour of each instant."""
        expected: Float64s = self.median[hour(times_ms)]
        return expected

    def sides(self, values: Float64s) -> Int64s:
        """Shape (n, m): 1 above the central range, -1 below it, 0 inside."""
        sides: Int64s = (values > self.high).astype(np.int64) - (values < self.low)
        return sides

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` takes."""
        return {"median": self.median, "low": self.low, "high": self.high}

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Profile:
        """The profile of `arrays()`."""
        return cls(arrays["median"], arrays["low"], arrays["high"])
