"""Events: a random walk of each of many keys, with noise on it, and labelled anomalies put in on purpose.

A value is the key's level plus normal noise; the level makes a normal step at each event (a local level model). With
`step` 0 the level stays, with `noise` 0 it is a plain random walk. What a key does next depends on the seed, the key
and how many events it has had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from producer import walk_kernel
from producer.walk_kernel import FIRST, LAST, Float64s, Int8s, Int32s, Int64s

LEVEL = 100.0  # where every walk begins
MAX_KEYS = 10_000_000
KIND_NAMES = {
    walk_kernel.SPIKE: "spike",
    walk_kernel.LEVEL_SHIFT: "level shift",
    walk_kernel.DRIFT: "drift",
    walk_kernel.VARIANCE: "variance change",
}
_KIND_BITS = FIRST - 1


@dataclass(frozen=True)
class WalkPlan:
    """What is generated."""

    keys: int
    seed: int = 0
    zipf: float = 0.0  # key number i, from 0, has a share of events in proportion to (i + 1)^-zipf; 0: all alike
    step: float = 0.02  # standard deviation of a level's step
    noise: float = 1.0  # standard deviation of the noise
    anomalies: float = 0.02  # chance that 200 events of a key have an anomaly among them


class Events(NamedTuple):
    """n events in the order of the stream."""

    keys: Int64s  # shape (n,), from 0
    times_ms: Int64s  # shape (n,), ms since the epoch, UTC
    values: Float64s  # shape (n,)
    marks: Int8s  # shape (n,): 0, or the kind of the anomaly that the event is part of, with FIRST and LAST


@dataclass(frozen=True)
class Label:
    """One anomaly that was put in. `last_ms` is None for one that the stream ended in."""

    key: int
    kind: str
    first_ms: int
    last_ms: int | None


class Walks:
    """The stream: each call of `events` goes on where the last one ended."""

    def __init__(self, plan: WalkPlan) -> None:
        self._plan = plan
        self._share, self._other = alias_table(plan.keys, plan.zipf)
        self._levels = np.full(plan.keys, LEVEL)
        self._counts = np.zeros(plan.keys, np.int64)
        self._sent = 0
        self._open: dict[int, Label] = {}

    def events(self, times_ms: Int64s) -> Events:
        """The next len(times_ms) events, at these instants."""
        n, plan = len(times_ms), self._plan
        made = Events(np.empty(n, np.int64), times_ms, np.empty(n), np.empty(n, np.int8))
        walk_kernel.walk_on(
            np.uint64(plan.seed),
            self._sent,
            self._share,
            self._other,
            self._levels,
            self._counts,
            plan.step,
            plan.noise,
            plan.anomalies,
            made.keys,
            made.values,
            made.marks,
        )
        self._sent += n
        return made

    def labels(self, events: Events) -> list[Label]:
        """The anomalies that ended among these events, which are the ones just made."""
        done = []
        for row in np.flatnonzero(events.marks & (FIRST | LAST)).tolist():
            key, time_ms, mark = int(events.keys[row]), int(events.times_ms[row]), int(events.marks[row])
            if mark & FIRST:
                self._open[key] = Label(key, KIND_NAMES[mark & _KIND_BITS], time_ms, None)
            if mark & LAST:
                began = self._open.pop(key)
                done.append(Label(key, began.kind, began.first_ms, time_ms))
        return done

    def unfinished(self) -> list[Label]:
        """The anomalies that have begun and not ended."""
        return list(self._open.values())


def alias_table(keys: int, zipf: float) -> tuple[Float64s, Int32s]:
    """For each key the share of its cell that is its own, and whose the rest is (Vose 1991). All alike: no shares."""
    if zipf == 0:
        return np.empty(0), np.zeros(keys, np.int32)
    weights = np.arange(1, keys + 1, dtype=np.float64) ** -zipf
    scaled = weights * (keys / weights.sum())
    other = np.arange(keys, dtype=np.int32)
    small = np.flatnonzero(scaled < 1).tolist()
    large = np.flatnonzero(scaled >= 1).tolist()
    left = scaled.copy()
    while small and large:
        less, more = small.pop(), large[-1]
        other[less] = more
        left[more] -= 1 - left[less]
        if left[more] < 1:
            small.append(large.pop())
    left[large + small] = 1.0  # what rounding left over
    return left, other
