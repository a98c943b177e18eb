"""DBSCAN on windows: dense regions of usual windows, however many and of whatever shape, and what is far from all.

Ester, Kriegel, Sander and Xu, KDD 1996; scikit-learn's DBSCAN with min_samples 4. Its radius eps is read off as they
advise, from the distances to the fourth neighbour: 1.5 times their 95 % quantile. Kept are the core windows. With d
the distance of a new window to the nearest of them, the score is d / (d + 2 eps), in [0, 1): within eps it belongs to a
region (1/3), and the alarm is above 0.5, at twice the radius. Windows: windowed.py.

Of calm noise fewer than 1 record in 500 alarms (tests). Cost: 2 µs a record, milliseconds a fit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.deciding import Decision
from detectors.windowed import LAGS, MOST_WINDOWS, Windowed, windows_of

Float64s = npt.NDArray[np.float64]

DETECTOR = "dbscan"
NEIGHBOURS = 4
USUAL = 0.95
WIDER = 1.5
DECISION = Decision(threshold=0.5)
COUNT, RADIUS, HEAD = range(3)  # of a model; then the core windows


class Dbscan(Windowed):
    """A keyed detector of windows far from every dense region."""

    def __init__(self, warm_up: int) -> None:
        """`warm_up` in records."""
        super().__init__(DETECTOR, warm_up, HEAD + MOST_WINDOWS * LAGS)

    def fit(self, values: Float64s, first: int) -> Float64s:
        """See Windowed."""
        from sklearn.cluster import DBSCAN  # noqa: PLC0415 - half a second of import, for those who use it
        from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 - the same

        _ = first
        x = windows_of(values)
        apart = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(x).kneighbors()[0][:, -1]
        radius = WIDER * float(np.quantile(apart, USUAL))
        model = np.zeros(HEAD + MOST_WINDOWS * LAGS)
        if radius == 0:  # more windows are alike than not: there is no distance to go by
            return model
        core = x[DBSCAN(eps=radius, min_samples=NEIGHBOURS).fit(x).core_sample_indices_]
        model[:HEAD] = len(core), radius
        model[HEAD:][: core.size] = core.ravel()
        return model

    def rate(self, model: Float64s, windows: Float64s, first: int) -> Float64s:
        """See Windowed."""
        _ = first
        scores = np.zeros(len(windows))
        rate_each(model, windows, scores)
        return scores


@compiled
def rate_each(model: Float64s, windows: Float64s, scores: Float64s) -> None:
    """For each window: how far from the nearest core window."""
    count, radius = int(model[COUNT]), model[RADIUS]
    for row in range(len(windows)):
        nearest = np.inf
        for at in range(count):
            distance = 0.0
            for lag in range(LAGS):
                apart = windows[row, lag] - model[HEAD + at * LAGS + lag]
                distance += apart * apart
            nearest = min(nearest, distance)
        if count > 0:
            scores[row] = np.sqrt(nearest) / (np.sqrt(nearest) + 2.0 * radius)
