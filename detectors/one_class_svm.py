"""One-Class SVM on windows: a smooth border around the windows that are usual.

With support vectors s_i, weights a_i and offset r of a fitted machine (Schölkopf et al., Estimating the support of a
high-dimensional distribution, Neural Computation 13, 2001; scikit-learn's OneClassSVM with an RBF kernel, nu = 0.02 and
gamma = 1 / (lags · variance)), f(x) = sum a_i exp(-gamma |x - s_i|²) is above r inside. Score: 1 - f(x) / r, in [0, 1]:
0 within the border, 1 far away; the alarm is from 0.5 on, halfway out. Windows: windowed.py.

At most 2 % of what it is fitted on are outside, by nu; of calm noise fewer than 1 record in 500 alarms (tests). Cost:
some 20 ns a record for each support vector (tens of them), and a few milliseconds a fit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.deciding import Decision
from detectors.windowed import LAGS, MOST_WINDOWS, Windowed, windows_of

Float64s = npt.NDArray[np.float64]

DETECTOR = "one-class-svm"
NU = 0.02
DECISION = Decision(threshold=0.5)
COUNT, GAMMA, OFFSET, HEAD = range(4)  # of a model; then the weights, then the support vectors


class OneClassSvm(Windowed):
    """A keyed detector of windows outside the usual region."""

    def __init__(self, warm_up: int) -> None:
        """`warm_up` in records."""
        super().__init__(DETECTOR, warm_up, HEAD + MOST_WINDOWS * (1 + LAGS))

    def fit(self, values: Float64s, first: int) -> Float64s:
        """See Windowed."""
        from sklearn.svm import OneClassSVM  # noqa: PLC0415 - half a second of import, for those who use it

        _ = first
        x = windows_of(values)
        gamma = 1.0 / (LAGS * x.var())
        machine = OneClassSVM(nu=NU, gamma=gamma).fit(x)
        vectors, weights = machine.support_vectors_, machine.dual_coef_[0]
        model = np.zeros(HEAD + MOST_WINDOWS * (1 + LAGS))
        model[:HEAD] = len(vectors), gamma, -machine.intercept_[0]
        model[HEAD : HEAD + len(weights)] = weights
        model[HEAD + MOST_WINDOWS :][: vectors.size] = vectors.ravel()
        return model

    def rate(self, model: Float64s, windows: Float64s, first: int) -> Float64s:
        """See Windowed."""
        _ = first
        scores = np.empty(len(windows))
        rate_each(model, windows, scores)
        return scores


@compiled
def rate_each(model: Float64s, windows: Float64s, scores: Float64s) -> None:
    """For each window: how far outside."""
    count, gamma, offset = int(model[COUNT]), model[GAMMA], model[OFFSET]
    for row in range(len(windows)):
        inside = 0.0
        for at in range(count):
            distance = 0.0
            for lag in range(LAGS):
                apart = windows[row, lag] - model[HEAD + MOST_WINDOWS + at * LAGS + lag]
                distance += apart * apart
            inside += model[HEAD + at] * np.exp(-gamma * distance)
        scores[row] = min(1.0, max(0.0, 1.0 - inside / offset)) if offset > 0.0 else 0.0
