"""Autoencoder on windows: a small network squeezes usual windows through three numbers; strange ones come out wrong.

x' = W2 · tanh(W1 · x + b1) + b2, with 8 values in, 3 between and 8 out, fitted to give x back (Hinton and
Salakhutdinov, Science 313, 2006; scikit-learn's MLPRegressor with L-BFGS). With e = |x - x'|² and q the 99 % quantile
of e over the windows it was fitted on, the score is e / (e + 4 q), in [0, 1): the alarm is above 0.5, at an error four
times as large. Windows: windowed.py.

The fit starts from seeded weights: the same values give the same network, mirrored ones another, which is as good. Of
calm noise fewer than 1 record in 500 alarms (tests). Cost: 0.1 µs a record, tens of milliseconds a fit.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.deciding import Decision
from detectors.windowed import LAGS, Windowed, windows_of

Float64s = npt.NDArray[np.float64]

DETECTOR = "autoencoder"
BETWEEN = 3
STEPS = 200
USUAL = 0.99
TIMES = 4.0
DECISION = Decision(threshold=0.5)
FIRST = 1  # of a model: the quantile, then W1, b1, W2, b2
FIRST_BIAS = FIRST + LAGS * BETWEEN
SECOND = FIRST_BIAS + BETWEEN
SECOND_BIAS = SECOND + BETWEEN * LAGS
SIZE = SECOND_BIAS + LAGS


class Autoencoder(Windowed):
    """A keyed detector of windows that a network trained on usual ones does not give back."""

    def __init__(self, warm_up: int) -> None:
        """`warm_up` in records."""
        super().__init__(DETECTOR, warm_up, SIZE)

    def fit(self, values: Float64s, first: int) -> Float64s:
        """See Windowed."""
        from sklearn.neural_network import MLPRegressor  # noqa: PLC0415 - a slow import, for those who use it

        _ = first
        x = np.clip(windows_of(values), -8, 8)  # a few outliers are not to have all of its attention
        network = MLPRegressor(
            hidden_layer_sizes=(BETWEEN,), activation="tanh", solver="lbfgs", max_iter=STEPS, random_state=0
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it may stop before it has converged
            network.fit(x, x)
        parts = (network.coefs_[0], network.intercepts_[0], network.coefs_[1], network.intercepts_[1])
        model = np.concatenate([np.zeros(1), *(np.asarray(part).ravel() for part in parts)])
        errors = np.empty(len(x))
        errors_of(model, x, errors)
        model[0] = max(float(np.quantile(errors, USUAL)), 1e-12)
        return model

    def rate(self, model: Float64s, windows: Float64s, first: int) -> Float64s:
        """See Windowed."""
        _ = first
        errors = np.empty(len(windows))
        errors_of(model, windows, errors)
        scores: Float64s = errors / (errors + TIMES * model[0])
        return scores


@compiled
def errors_of(model: Float64s, windows: Float64s, errors: Float64s) -> None:
    """For each window: squared distance between what went in and what came out."""
    between = np.empty(BETWEEN)
    for row in range(len(windows)):
        x = windows[row]
        for unit in range(BETWEEN):
            total = model[FIRST_BIAS + unit]
            for lag in range(LAGS):
                total += x[lag] * model[FIRST + lag * BETWEEN + unit]
            between[unit] = np.tanh(total)
        errors[row] = 0.0
        for lag in range(LAGS):
            total = model[SECOND_BIAS + lag]
            for unit in range(BETWEEN):
                total += between[unit] * model[SECOND + unit * LAGS + lag]
            errors[row] += (x[lag] - total) * (x[lag] - total)
