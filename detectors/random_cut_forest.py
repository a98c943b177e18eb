"""Random cut forest: how much a model of the last windows has to change to take in the newest one.

Guha, Mishra, Roy and Schrijvers, "Robust random cut forest based anomaly detection on streams", ICML 2016, by the
library krcf (a port of the one in OpenSearch), which is asked for when the detector is: it is an extra of its own,
`rcf`. A forest of 50 trees on samples of 256 windows of a key's last 8 values, newer ones more likely; the library's
score of a window is taken before the forest learns it.

The values go in less their median and over their spread, both of the first half of the warm-up. A score of the library
means little by itself: it is calibrated to the key's own history. With p the share of that history that is as high, in
its top 5 % by a fitted exponential tail (ensemble_kernel.py), the decades beyond one in ten are

    u = min(max(-lg p - 1, 0), 9)        score = u / (u + 2), in [0, 0.82]

and the alarm is above 0.5, once in 1,000 records of a history that goes on as it was. The second half of the warm-up
is history alone. Where the values do not change there is no forest yet, and it is tried again half a warm-up later.

State: 1.6 MB a key, a Python object of the library's among it. Cost: 0.1 ms a record. It is for tens of keys.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.deciding import Decision
from detectors.ensemble_kernel import surprise
from detectors.ensemble_state import BINS, BLOCK, Float32s, Parameters
from detectors.errors import DetectorError
from detectors.keyed_state import Column, KeyedState, Snapshot
from detectors.windowed import FLAT, LAGS

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

DETECTOR = "random-cut-forest"
DECISION = Decision(threshold=0.5)
TREES, SAMPLES = 50, 256
FINEST = 0.02  # of the library's score: the first bin of its history, over 1/32 octave
CLIP = 8.0  # mean excesses that one record can teach, as in the ensemble
MOST = 9.0  # decades
HALF_SCORE = 2.0  # decades
CENTRE, SPREAD = range(2)  # of the scale; a spread of 0: no forest


class RandomCutForest:
    """A keyed detector around the library's forests, one a key."""

    def __init__(self, warm_up: int, seed: int = 0) -> None:
        """`warm_up` in records. Raises DetectorError where the library is missing."""
        if warm_up < 4 * LAGS:
            raise DetectorError(DETECTOR, f"needs a warm-up of {4 * LAGS} records or more, got {warm_up}")
        self._library, self._half, self._seed = _library(), warm_up // 2, seed
        self._parameters = Parameters(warm_up=self._half)
        self._forests: dict[int, Any] = {}  # by slot
        self._state = KeyedState(
            values=Column((self._half,)),
            seen=Column((), np.int64),
            scale=Column((2,)),
            bins=Column((BINS + BINS // BLOCK,), np.float32),
            fit=Column((5,)),
        )

    def score(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> Float64s:
        """Shape (n,), in [0, 0.82]; higher is stranger. Records in the order in which they came; times do not count."""
        _ = times_ms
        slots, scores = self._state.slots(keys), np.zeros(len(keys))
        seen, scale = self._state["seen"], self._state["scale"]
        for row, (slot, value) in enumerate(zip(slots.tolist(), values.tolist(), strict=True)):
            if scale[slot, SPREAD] > 0:
                scores[row] = self._judge(slot, (value - scale[slot, CENTRE]) / scale[slot, SPREAD])
            else:
                self._state["values"][slot, seen[slot] % self._half] = value
                if (seen[slot] + 1) % self._half == 0:
                    self._begin(slot)
            seen[slot] += 1
        return scores

    def warm(self) -> None:
        """Compile or load the kernel."""
        other = RandomCutForest(4 * LAGS)
        n = 4 * LAGS + 1
        other.score(np.zeros(n, np.int64), np.zeros(n, np.int64), np.resize([0.0, 1.0, 2.0], n))

    def snapshot(self) -> Snapshot:
        """What the records so far left behind; the forests as bytes, end to end."""
        texts = {slot: np.frombuffer(forest.to_msgpack(), np.uint8) for slot, forest in self._forests.items()}
        ends = np.cumsum([len(text) for text in texts.values()], dtype=np.int64)
        joined = np.concatenate([np.empty(0, np.uint8), *texts.values()])
        return {
            **self._state.snapshot(), "forests": joined, "forest_ends": ends,
            "forest_slots": np.fromiter(texts, np.int64, len(texts)),
        }  # fmt: skip

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there."""
        rest = dict(snapshot)
        joined, ends, slots = (rest.pop(name) for name in ("forests", "forest_ends", "forest_slots"))
        self._state.restore(rest)
        texts = np.split(joined, ends[:-1])
        self._forests = {
            slot: self._library.from_msgpack(text.tobytes()) for slot, text in zip(slots.tolist(), texts, strict=False)
        }

    def _judge(self, slot: int, value: float) -> float:
        forest = self._forests[slot]
        said = forest.score(forest.shingled_point([value]))
        forest.update([value])
        return float(calibrated(self._state["bins"][slot], self._state["fit"][slot], said, self._parameters))

    def _begin(self, slot: int) -> None:
        """The first values of a key, or the last of one that did not change, become its forest."""
        values = self._state["values"][slot]
        low, centre, high = np.quantile(values, [0.25, 0.5, 0.75])
        spread = (high - low) / 1.35 or float(values.std())
        if spread <= FLAT * abs(centre):
            return
        self._state["scale"][slot] = centre, spread
        forest = self._forests[slot] = self._library(
            {
                "dimensions": 1, "shingle_size": LAGS, "internal_shingling": True, "num_trees": TREES,
                "sample_size": SAMPLES, "output_after": 1, "random_seed": self._seed,
                "parallel_execution_enabled": False,
            }
        )  # fmt: skip
        for value in ((values - centre) / spread).tolist():
            forest.update([value])


@compiled
def calibrated(bins: Float32s, fit: Float64s, said: float, par: Parameters) -> float:
    """The score of what the library said, which is then history."""
    decades = surprise(bins, fit, said, FINEST, 0.0, CLIP, MOST, par)
    return float(decades / (decades + HALF_SCORE))


def _library() -> Any:
    try:
        from krcf import RandomCutForest as Forest  # noqa: PLC0415 - an extra, for those who choose this detector
    except ImportError:
        way_out = "install the extra `rcf`, or choose another detector"
        raise DetectorError(DETECTOR, "needs the library krcf, which is not installed", way_out) from None
    return Forest
