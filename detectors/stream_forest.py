"""Isolation Forest on calibrated streams: one forest for every key, grown on calm noise.

The eight streams of the ensemble say, in decades, how rare each kind of change is for the key; calm series of any
unit and level look alike in them. So the forest is grown once, on the streams of generated calm series (noise around
a daily cycle), and serves all keys without training on any of them. A record's features are its streams, averaged over
the last 8 records (for a warm-up of 640; the window grows with it); its score is the forest's, 2^(-E[h(x)] / c(256)).

Liu, Ting and Zhou, "Isolation Forest", ICDM 2008. State: the ensemble's and 450 bytes a key. Cost: the ensemble's and
about 1.5 µs a record. The seed chooses noise and trees; docs/evaluation.md shows what it changes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.deciding import Decision
from detectors.ensemble import Ensemble
from detectors.ensemble_state import REFERENCE_WARM_UP, STREAMS, Float64s, Int64s, Parameters
from detectors.errors import DetectorError
from detectors.forest import FlatForest
from detectors.key_table import KeyTable

DETECTOR = "isolation-forest"
DECISION = Decision(threshold=0.6, boost=0.03, rearm=0.8)  # calm records score near 0.3, not near 0
TREES = 100
AVERAGED = 8  # records, for a warm-up of 640
CALM_SERIES = 16
CALM_RECORDS = 2_400
CALM_WARM_UP = 320  # records
CALM_STEP_MS = 300_000

Snapshot = dict[str, npt.NDArray[Any]]


class StreamForest:
    """A keyed detector: the ensemble's streams, judged by a forest instead of summed."""

    def __init__(self, parameters: Parameters | None = None, seed: int = 0) -> None:
        """Grows the forest when the first of a seed is made, in a second or two."""
        self._streams = Ensemble(parameters)
        self._window = window_of(self._streams.parameters.warm_up)
        self._forest, self._seed = grow(seed), seed
        self._keys = KeyTable()
        self._rings = np.zeros((self._keys.capacity, self._window, STREAMS))
        self._seen = np.zeros(self._keys.capacity, np.int64)

    def score(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> Float64s:
        """Shape (n,), in [0, 1]; higher is stranger, 0 during the warm-up. Each key's records in order."""
        told = self._streams.streams(keys, times_ms, values)[1]
        slots = self._keys.slots(np.ascontiguousarray(keys, np.int64))
        self._make_room(self._keys.capacity)
        features = np.empty((len(slots), STREAMS), np.float32)
        counts = np.empty(len(slots), np.int64)
        average_each(self._rings, self._seen, slots, told, features, counts)
        scores = self._forest.score(features)
        scores[counts < self._streams.parameters.warm_up] = 0.0
        return scores

    def warm(self) -> None:
        """Compile or load the kernels."""
        one = np.zeros(1, np.int64)
        StreamForest(self._streams.parameters, self._seed).score(one, one, np.zeros(1))

    def snapshot(self) -> Snapshot:
        """What the records so far left behind; not the forest, which its seed makes again."""
        used = self._keys.used
        own = {"slots": self._keys.keys.copy(), "rings": self._rings[:used].copy(), "counts": self._seen[:used].copy()}
        return self._streams.snapshot() | own

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there. Raises DetectorError for a snapshot of other parameters."""
        rings = snapshot["rings"]
        if rings.shape != (len(snapshot["slots"]), self._window, STREAMS):
            raise DetectorError("snapshot of the forest", "its rings do not fit", "keep the parameters it had")
        self._streams.restore(snapshot)
        self._keys = KeyTable()
        self._keys.slots(snapshot["slots"])
        self._make_room(self._keys.capacity)
        self._rings[: len(rings)], self._seen[: len(rings)] = rings, snapshot["counts"]

    def _make_room(self, capacity: int) -> None:
        have = len(self._seen)
        if have < capacity:
            self._seen = np.concatenate([self._seen, np.zeros(capacity - have, np.int64)])
            self._rings = np.concatenate([self._rings, np.zeros((capacity - have, self._window, STREAMS))])


@compiled
def average_each(
    rings: Float64s, seen: Int64s, slots: Int64s, told: Float64s, features: npt.NDArray[np.float32], counts: Int64s
) -> None:
    """Fill `features` with the mean of each key's last streams, and `counts` with the records of it before."""
    for row in range(len(slots)):
        ring = rings[slots[row]]
        window = len(ring)
        counts[row] = seen[slots[row]]
        ring[counts[row] % window] = told[row]
        for stream in range(told.shape[1]):
            total = 0.0
            for at in range(window):
                total += ring[at, stream]
            features[row, stream] = total / window
        seen[slots[row]] += 1


def window_of(warm_up: int) -> int:
    """Records that the features are averaged over."""
    return max(2, int(AVERAGED * warm_up / REFERENCE_WARM_UP + 0.5))


@lru_cache(maxsize=8)
def grow(seed: int) -> FlatForest:
    """The forest of a seed."""
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415 - slow to import, and only growing needs it

    fitted = IsolationForest(n_estimators=TREES, random_state=seed).fit(calm_streams(seed))
    return FlatForest.from_sklearn(fitted)


def calm_streams(seed: int) -> npt.NDArray[np.float32]:
    """Shape (m, 8): averaged streams of calm series, after their warm-up."""
    random = np.random.default_rng(seed)
    ensemble = Ensemble(Parameters(warm_up=CALM_WARM_UP))
    times = np.arange(CALM_RECORDS, dtype=np.int64) * CALM_STEP_MS
    window = window_of(CALM_WARM_UP)
    features = []
    for key in range(CALM_SERIES):
        noise = random.normal(size=CALM_RECORDS)
        memory = key / CALM_SERIES
        for at in range(1, CALM_RECORDS):
            noise[at] += memory * noise[at - 1]
        day = random.uniform(0, 3) * np.sin(2 * np.pi * times / 86_400_000)
        told = ensemble.streams(np.full(CALM_RECORDS, key, np.int64), times, noise + day)[1]
        sums = np.cumsum(told, axis=0)
        means = (sums[window:] - sums[:-window]) / window
        features.append(means[CALM_WARM_UP:])
    return np.concatenate(features).astype(np.float32)
