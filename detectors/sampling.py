"""Which records are checked when not all can be: a share of them, the same ones whoever asks and however often."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.key_table import mix

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_UNIT = 1.0 / (1 << 53)


@compiled
def _choose(partitions: Int32s, offsets: Int64s, share: float, chosen: Bools) -> None:
    for row in range(len(chosen)):
        bits = mix(mix(np.uint64(partitions[row]) + _GOLDEN) + np.uint64(offsets[row]) * _GOLDEN)
        chosen[row] = float(bits >> np.uint64(11)) * _UNIT < share


def chosen(partitions: Int32s, offsets: Int64s, share: float) -> Bools:
    """Shape (n,): true for a share of the records, from 0 (none) to 1 (all).

    Each record has a number of its own in [0, 1), a hash of where it stands, and is chosen when that is below `share`:
    who is chosen at a small share is chosen at every larger one.
    """
    marks = np.empty(len(offsets), np.bool_)
    _choose(partitions, offsets, share, marks)
    return marks
