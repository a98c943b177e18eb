"""Seasonal Hybrid ESD: values far from the season and the median, by the critical value of Rosner's test.

The key's last values are taken apart by STL (Cleveland et al. 1990; statsmodels, robust) into season, trend and rest.
As in Hochenbaum, Vallis and Kejariwal (Automatic anomaly detection in the cloud via statistical learning, 2017) the
trend is replaced by the median, and mean and deviation by median and MAD, so that up to half of the values may be
outliers:

    G = |x - season(phase) - median| / (1.4826 · MAD)

is compared with the critical value of the generalised ESD test (Rosner, Technometrics 25, 1983) for the most extreme of
n values at level 0.05: L = (n - 1) t / √((n - 2 + t²) n), t the 1 - 0.05 / (2 n) quantile of Student's t of n - 2
degrees. Score: G / (G + L), in [0, 1); the alarm is above 0.5. Here the newest value is tested against those that the
last model was fitted on (windowed.py), so nothing of the future comes in; for c cycles MAD is put up by
√((c + 1) / (c - 1)), because the season was fitted to them.

`period` in records; 288, a day of five minutes, or half of a shorter warm-up. A warm-up holds two periods at least. Of
calm noise fewer than 1 record in 500 alarms (tests). Cost: 0.05 µs a record, 0.1 to 1 s a fit: for tens of keys.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.deciding import Decision
from detectors.errors import DetectorError
from detectors.windowed import Windowed

Float64s = npt.NDArray[np.float64]

DETECTOR = "seasonal-esd"
PERIOD = 288
LEVEL = 0.05
DECISION = Decision(threshold=0.5)
MIDDLE, MAD, CRITICAL, HEAD = range(4)  # of a model; then the season by phase


class SeasonalEsd(Windowed):
    """A keyed detector of values far from their season."""

    def __init__(self, warm_up: int, period: int = 0) -> None:
        """`warm_up` and `period` in records; 0 is the default. Raises DetectorError."""
        self._period = period or min(PERIOD, warm_up // 2)
        if not 1 < self._period <= warm_up // 2:
            raise DetectorError(DETECTOR, f"needs 2 periods of {self._period} records in its warm-up of {warm_up}")
        super().__init__(DETECTOR, warm_up, HEAD + self._period)

    def fit(self, values: Float64s, first: int) -> Float64s:
        """See Windowed."""
        from scipy.stats import t as student  # noqa: PLC0415 - a second of import, for those who use it
        from statsmodels.tsa.seasonal import STL  # noqa: PLC0415 - the same

        cycles = len(values) / self._period
        # A seasonal window much longer than the values: the season is the same in every cycle.
        how = {"seasonal": 20 * int(cycles) + 1, "seasonal_deg": 0, "robust": True}
        season = np.asarray(STL(values, period=self._period, **how).fit().seasonal)
        rest = values - season
        middle = float(np.median(rest))
        # The season has been fitted to these values, and not to those that come: they lie farther from it.
        farther = np.sqrt((cycles + 1) / (cycles - 1))
        mad = farther * 1.4826 * float(np.median(np.abs(rest - middle)))
        n = len(values)
        t = student.ppf(1 - LEVEL / (2 * n), n - 2)
        model = np.empty(HEAD + self._period)
        model[:HEAD] = middle, mad, (n - 1) * t / np.sqrt((n - 2 + t * t) * n)
        phases = (first + np.arange(n)) % self._period
        for phase in range(self._period):
            model[HEAD + phase] = np.median(season[phases == phase])
        return model

    def rate(self, model: Float64s, windows: Float64s, first: int) -> Float64s:
        """See Windowed."""
        if model[MAD] <= 0:
            return np.zeros(len(windows))
        season = model[HEAD:][(first + np.arange(len(windows))) % self._period]
        far = np.abs(windows[:, -1] - season - model[MIDDLE]) / model[MAD]
        scores: Float64s = far / (far + model[CRITICAL])
        return scores
