"""What detectors over windows of a key's last values have in common: the values kept, a model fitted anew now and then.

A window is the last LAGS values of a key, less the median of what was fitted on and over its spread (the interquartile
range / 1.35). A model is fitted when the warm-up is over, and again every two warm-ups, on the key's last four; until
the first one scores are 0, and so they stay where the spread is nothing: a flat start teaches nothing, and does not
alarm. A record is scored by the model that was fitted before it.

A model is a row of numbers, so that a snapshot needs nothing else, and is applied by a compiled loop that adds up in
the same order whatever the batch. Fitting costs milliseconds a key: these detectors are for hundreds of keys, not for
millions. State: (4 warm-ups + the model) · 8 bytes a key.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from detectors.errors import DetectorError
from detectors.keyed_state import Column, KeyedState, Snapshot

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

LAGS = 8
MEMORY = 4  # warm-ups that a model is fitted on
REFIT = 2  # warm-ups between two fits
MOST_WINDOWS = 256  # that a model is fitted on, evenly spread
FLAT = 1e-9  # share of the level up to which a spread is rounding
CENTRE, SPREAD = range(2)  # of the scale; a spread of 0: no model


class Windowed:
    """A keyed detector with a model for each key; `fit` and `rate` are the detector's own."""

    def __init__(self, name: str, warm_up: int, size: int) -> None:
        """`warm_up` in records, `size` in numbers of a model. Raises DetectorError."""
        if warm_up < 4 * LAGS:
            raise DetectorError(name, f"needs a warm-up of {4 * LAGS} records or more, got {warm_up}")
        self.warm_up = warm_up
        self._state = KeyedState(
            values=Column((MEMORY * warm_up,)), seen=Column((), np.int64), scale=Column((2,)), model=Column((size,))
        )

    def fit(self, values: Float64s, first: int) -> Float64s:
        """The model of a key's standardised last values, oldest first, of which number `first` of the key is one."""
        raise NotImplementedError

    def rate(self, model: Float64s, windows: Float64s, first: int) -> Float64s:
        """Scores of windows, shape (n, LAGS), newest value last; the first one's is number `first` of the key."""
        raise NotImplementedError

    def score(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> Float64s:
        """Shape (n,), in [0, 1); higher is stranger. Records in the order in which they came; times do not count."""
        _ = times_ms
        slots, scores = self._state.slots(keys), np.zeros(len(keys))
        order = np.argsort(slots, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(slots[order])) + 1):
            if len(rows):
                scores[rows] = self._of_key(int(slots[rows[0]]), values[rows])
        return scores

    def warm(self) -> None:
        """Compile or load the kernels."""
        other = type(self)(self.warm_up)  # type: ignore[call-arg,arg-type]  # detectors take the warm-up first
        n = self.warm_up + 2
        other.score(np.zeros(n, np.int64), np.zeros(n, np.int64), np.random.default_rng(0).normal(size=n))

    def snapshot(self) -> Snapshot:
        """What the records so far left behind."""
        return self._state.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there."""
        self._state.restore(snapshot)

    def _of_key(self, slot: int, values: Float64s) -> Float64s:
        ring, scale, model = (self._state[name][slot] for name in ("values", "scale", "model"))
        seen, scores = self._state["seen"], np.zeros(len(values))
        for first, last in self._parts(int(seen[slot]), len(values)):
            number, part = int(seen[slot]), values[first:last]
            if scale[SPREAD] > 0:
                before = _last(ring, number, LAGS - 1)
                series = (np.concatenate([before, part]) - scale[CENTRE]) / scale[SPREAD]
                windows = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(series, LAGS))
                scores[first:last] = self.rate(model, windows, number)
            ring[np.arange(number, number + len(part)) % len(ring)] = part
            seen[slot] = number + len(part)
            if self._is_due(int(seen[slot])):
                self._fit(slot)
        return scores

    def _parts(self, seen: int, n: int) -> Iterator[tuple[int, int]]:
        """Records first to last of n, so that a model is due only after the last one of a part."""
        first = 0
        for at in range(1, n + 1):
            if self._is_due(seen + at) or at == n:
                yield first, at
                first = at

    def _is_due(self, seen: int) -> bool:
        return seen >= self.warm_up and (seen - self.warm_up) % (REFIT * self.warm_up) == 0

    def _fit(self, slot: int) -> None:
        seen = int(self._state["seen"][slot])
        values = _last(self._state["values"][slot], seen, min(seen, MEMORY * self.warm_up))
        low, centre, high = np.quantile(values, [0.25, 0.5, 0.75])
        spread = (high - low) / 1.35 or float(values.std())
        if spread <= FLAT * abs(centre):
            self._state["scale"][slot] = 0.0
            return
        self._state["scale"][slot] = centre, spread
        with threadpool_limits(1):  # a fit is too small to share, and sums in the same order on every machine
            self._state["model"][slot] = self.fit((values - centre) / spread, seen - len(values))


def _last(ring: Float64s, seen: int, count: int) -> Float64s:
    """The last values of a ring, oldest first."""
    found: Float64s = ring[np.arange(seen - count, seen) % len(ring)]
    return found


def windows_of(values: Float64s) -> Float64s:
    """Shape (n, LAGS): windows to fit on, at most MOST_WINDOWS of them."""
    every = np.lib.stride_tricks.sliding_window_view(values, LAGS)
    chosen = np.unique(np.linspace(0, len(every) - 1, MOST_WINDOWS).astype(np.int64))
    return np.ascontiguousarray(every[chosen])
