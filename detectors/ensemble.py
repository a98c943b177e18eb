"""The calibrated ensemble: six kinds of change, each turned into how rare it is for this very key, and summed.

1. Scale. z = (x - median) / max(IQR / 1.35, (q95 - q5) / 3.29) over the last six warm-ups of the key.
2. Season. Each quarter-hour of the day keeps a mean and a spread; e is z less the mean of its quarter-hour and the two
   beside it, divided by their relative spread.
3. Streams: *variance* (standard deviation of e over 10 and 30 records and of z over 40), *level* (two-sided CUSUM of z
   against its own moving mean and spread), *likelihood* (mean rank of |e| over 40 records), *quiet* (-ln of the
   standard deviation of z over half a warm-up) and *point* (distance to the median of the last 30). Windows are for a
   warm-up of 640 records and grow with it.
4. Calibration. u = -log10 P(stream ≥ s) - 1, within [0, 5]: P by rank in the stream's history, in the topmost 5 % by an
   exponential tail of the same mean excess. u is in decades, so one threshold means the same on every series; that of a
   lull counts half. A history learns a record clipped at eight mean excesses: one burst does not make the next one
   ordinary.
5. Record. A value beyond every one before it is worth a decade for each twentieth of their range that it lies beyond
   it, at most 5, for 8 records: a tail fitted to bursts finds no higher burst strange, and rank knows no distance.
6. Score. (variance + level + likelihood + quiet / 2 + point + record) / 10, weighted by how much history there is: 0.2
   are two decades beyond one in ten, summed over the streams. It is a single record's; the decision asks for
   strangeness that lasts.

A record is scored before it is learned. Scores are 0 during the warm-up. A flat series is judged from a warm-up after
its first move on; the size of that move becomes its unit.

False alarms: with the decision of `DECISION` about one in a thousand records of noise. State: about 75 kB a key at a
warm-up of 640. Cost: 6 to 10 µs a record on one core; docs/evaluation.md has what the scorecard measured.
Sources: Page, "Continuous inspection schemes", Biometrika 1954 (CUSUM); Ahmad et al., "Unsupervised real-time anomaly
detection for streaming data", Neurocomputing 2017 (likelihood of the recent mean error); Pickands, "Statistical
inference using extreme order statistics", Annals of Statistics 1975 (exceedances over a high threshold).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.deciding import Decision
from detectors.ensemble_kernel import score_each
from detectors.ensemble_state import PARTS, QUARTERS, STREAMS, Float64s, Int64s, Parameters, Sizes, State
from detectors.errors import DetectorError
from detectors.key_table import KeyTable

DETECTOR = "ensemble"
PART_NAMES = ("variance", "level", "likelihood", "quiet", "point", "record")
DECADES = 10.0  # what a score of 1 stands for
QUARTER_MS = 900_000
SMALLEST_WARM_UP = 32  # records; below it the tails are made of nothing
FEWEST_KEYS = 16  # room at first
DECISION = Decision(threshold=0.18, boost=0.035, smooth=0.0125)  # 8 records at a warm-up of 640

Snapshot = dict[str, npt.NDArray[Any]]


class Ensemble:
    """A keyed detector: the score of a record depends on the records of its key up to it, and on nothing else."""

    def __init__(self, parameters: Parameters | None = None) -> None:
        """Raises DetectorError for a warm-up that is too short."""
        self.parameters = parameters or Parameters()
        if self.parameters.warm_up < SMALLEST_WARM_UP:
            reason = f"must be at least {SMALLEST_WARM_UP} records, got {self.parameters.warm_up}"
            raise DetectorError("warm-up of the ensemble", reason)
        self._sizes = Sizes.of(self.parameters)
        self._keys = KeyTable()
        self._state = State.empty(FEWEST_KEYS, self.parameters)

    def score(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> Float64s:
        """Shape (n,), in [0, 1]; higher is stranger. Each key's records in order; no number scores 0."""
        return self.streams(keys, times_ms, values)[0]

    def parts(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> tuple[Float64s, Float64s]:
        """Scores, and what each of PART_NAMES added to it: shape (n, 6), as scores."""
        scores, told = self.streams(keys, times_ms, values)
        parts = np.empty((len(keys), PARTS))
        parts[:, 0], parts[:, 1:] = told[:, :3].mean(axis=1), told[:, 3:]
        return scores, parts / DECADES

    def streams(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> tuple[Float64s, Float64s]:
        """Scores, and the eight streams, shape (n, 8), in decades."""
        slots = self._keys.slots(np.ascontiguousarray(keys, np.int64))
        self._make_room()
        quarters = np.asarray(times_ms, np.int64) // QUARTER_MS % QUARTERS
        scores, told = np.empty(len(slots)), np.empty((len(slots), STREAMS))
        values = np.ascontiguousarray(values, np.float64)
        score_each(self._state, slots, quarters, values, self.parameters, self._sizes, scores, told)
        return np.minimum(scores / DECADES, 1.0), told

    def warm(self) -> None:
        """Compile or load the kernels, before the first record."""
        one = np.zeros(1, np.int64)
        Ensemble(self.parameters).score(one, one, np.zeros(1))

    def snapshot(self) -> Snapshot:
        """What the records so far left behind; numbers only."""
        used = self._keys.used
        kept = {name: array[:used].copy() for name, array in self._state._asdict().items()}
        return kept | {"keys": self._keys.keys.copy()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there. Raises DetectorError for a snapshot of other parameters."""
        keys = np.asarray(snapshot["keys"], np.int64)
        table = KeyTable()
        table.slots(keys)
        room = State.empty(max(FEWEST_KEYS, len(keys)), self.parameters)
        for name, array in room._asdict().items():
            given = snapshot[name]
            if table.used != len(keys) or given.shape != (len(keys), *array.shape[1:]) or given.dtype != array.dtype:
                raise DetectorError("snapshot of the ensemble", f"its {name} do not fit", "keep the parameters it had")
            array[: len(keys)] = given
        self._keys, self._state = table, room

    def _make_room(self) -> None:
        have = len(self._state.seen)
        if self._keys.used <= have:
            return
        room = State.empty(max(2 * have, self._keys.used), self.parameters)
        for name, array in self._state._asdict().items():
            getattr(room, name)[:have] = array
        self._state = room
