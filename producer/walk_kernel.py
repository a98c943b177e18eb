"""The event generator's hot loop.

Every random number is a hash of the seed and of what it is for, so that an event depends on the seed and its place in
the stream alone, never on where batches fall.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kafka_cluster.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Int8s = npt.NDArray[np.int8]
Float64s = npt.NDArray[np.float64]

BLOCK = 200  # events of a key that have at most one anomaly among them
EARLIEST = 60  # event of a block at which one may begin: a window of 50 has seen the usual by then
NONE, SPIKE, LEVEL_SHIFT, DRIFT, VARIANCE = range(5)
FIRST, LAST = 8, 16  # flags beside the kind, on the first and last event of an anomaly
SPIKE_SIZE, SHIFT_SIZE, DRIFT_SIZE, VARIANCE_SIZE = 12.0, 4.0, 6.0, 4.0  # times the noise
SHIFT_EVENTS = 40  # of every kind that lasts
KINDS = 4
HALF = 0.5
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_UNIT = 1.0 / (1 << 53)


@compiled
def mix(bits: np.uint64) -> np.uint64:
    """Every bit of the result depends on every bit given (the finaliser of splitmix64, Stafford 2011)."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    return bits ^ (bits >> np.uint64(31))


@compiled
def uniform(seed: np.uint64, stream: int, index: int) -> float:
    """In [0, 1): number `index` of a stream."""
    bits = mix(mix(seed + np.uint64(stream) * _GOLDEN) + np.uint64(index) * _GOLDEN)
    return float(bits >> np.uint64(11)) * _UNIT


@compiled
def pick(seed: np.uint64, index: int, share: Float64s, other: Int32s) -> int:
    """The key of event `index` of the stream, by the alias method (Walker 1977); all alike where `share` is empty."""
    keys = len(other)
    at = uniform(seed, -1, index) * keys
    key = min(int(at), keys - 1)
    if len(share) and at - key >= share[key]:
        return int(other[key])
    return key


@compiled
def anomaly(seed: np.uint64, key: int, count: int, chance: float) -> tuple[int, float, int, int]:
    """Of event `count` of a key: kind, side (1 or -1), events since the anomaly began, and how many it has."""
    block, at = count // BLOCK, count % BLOCK
    if at < EARLIEST or uniform(seed, -2 - key, 4 * block) >= chance:
        return NONE, 0.0, 0, 0
    kind = 1 + int(uniform(seed, -2 - key, 4 * block + 1) * KINDS)
    events = 1 if kind == SPIKE else SHIFT_EVENTS
    begin = EARLIEST + int(uniform(seed, -2 - key, 4 * block + 2) * (BLOCK - EARLIEST - events + 1))
    if not begin <= at < begin + events:
        return NONE, 0.0, 0, 0
    side = 1.0 if uniform(seed, -2 - key, 4 * block + 3) < HALF else -1.0
    return kind, side, at - begin, events


@compiled
def walk_on(
    seed: np.uint64,
    first: int,
    share: Float64s,
    other: Int32s,
    levels: Float64s,
    counts: Int64s,
    step: float,
    noise: float,
    chance: float,
    keys: Int64s,
    values: Float64s,
    marks: Int8s,
) -> None:
    """Fill `keys`, `values` and `marks` with the events from number `first` of the stream on; walk each key on.

    `levels` and `counts` have a row a key. A mark is a kind, with FIRST and LAST beside it, or 0.
    """
    for row in range(len(keys)):
        key = pick(seed, first + row, share, other)
        count = counts[key]
        radius = np.sqrt(-2.0 * np.log(1.0 - uniform(seed, key, 2 * count)))  # Box and Muller 1958
        angle = 2.0 * np.pi * uniform(seed, key, 2 * count + 1)
        levels[key] += step * radius * np.sin(angle)
        shock = noise * radius * np.cos(angle)
        kind, side, since, events = anomaly(seed, key, count, chance)
        mark = kind
        if kind != NONE:
            mark |= (FIRST if since == 0 else 0) | (LAST if since == events - 1 else 0)
            if kind == SPIKE:
                shock += side * SPIKE_SIZE * noise
            elif kind == LEVEL_SHIFT:
                shock += side * SHIFT_SIZE * noise
            elif kind == DRIFT:
                shock += side * DRIFT_SIZE * noise * (since + 1) / events
            else:
                shock *= VARIANCE_SIZE
        keys[row], values[row], marks[row] = key, levels[key] + shock, mark
        counts[key] = count + 1
