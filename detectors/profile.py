"""What is usual: the median and the central range of each metric at each hour of the day, from training data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.features import Float64s, Int64s, hour

HOURS = 24
ENOUGH = 100  # records for a range of their own
CENTRAL = (0.01, 0.99)  # the quantiles between which a value counts as usual


@dataclass(frozen=True)
class Profile:
    """The usual values of m metrics, in the metrics' own units."""

    median: Float64s  # shape (24, m): by hour of the day, UTC; hours without data hold the overall median
    low: Float64s  # shape (m,): 1 % of the training data lie below
    high: Float64s  # shape (m,): 1 % lie above
    by_hour: Float64s | None = None  # shape (24, 2, m): the same two by hour; models of earlier versions have none

    @classmethod
    def learn(cls, times_ms: Int64s, values: Float64s) -> Profile:
        """The profile of training data: `times_ms` of shape (n,), `values` of shape (n, m), n at least 1."""
        overall = np.median(values, axis=0)
        hours = hour(times_ms)
        by_hour = [np.median(values[hours == h], axis=0) if (hours == h).any() else overall for h in range(HOURS)]
        low, high = np.quantile(values, CENTRAL, axis=0)
        return cls(np.asarray(by_hour), low, high, _ranges(hours, values, np.stack([low, high])))

    def expected(self, times_ms: Int64s) -> Float64s:
        """Shape (n, m): the median at the hour of each instant."""
        expected: Float64s = self.median[hour(times_ms)]
        return expected

    def usual(self, times_ms: Int64s) -> tuple[Float64s, Float64s]:
        """Shape (n, m) each: the central range at the hour of each instant."""
        if self.by_hour is None:
            shape = (len(times_ms), len(self.low))
            return np.broadcast_to(self.low, shape), np.broadcast_to(self.high, shape)
        ranges = self.by_hour[hour(times_ms)]
        return ranges[:, 0], ranges[:, 1]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` takes."""
        ranges = {} if self.by_hour is None else {"by_hour": self.by_hour}
        return {"median": self.median, "low": self.low, "high": self.high, **ranges}

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Profile:
        """The profile of `arrays()`."""
        return cls(arrays["median"], arrays["low"], arrays["high"], arrays.get("by_hour"))


def _ranges(hours: Int64s, values: Float64s, overall: Float64s) -> Float64s:
    """The central range of each hour, from the hour and those beside it; the overall one where they have too few."""
    found = []
    for h in range(HOURS):
        near = np.isin(hours, [(h - 1) % HOURS, h, (h + 1) % HOURS])
        found.append(np.quantile(values[near], CENTRAL, axis=0) if near.sum() >= ENOUGH else overall)
    return np.asarray(found)
