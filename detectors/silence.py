"""Silence: a key that should have spoken by now and has not, told when the stream's time is past that moment.

When a key should speak is learned from the gaps between its records, or fixed. With m the mean gap and d the mean
absolute deviation from it, both over the last 32 gaps, a key that spoke at t is due by t + limit,

    limit = max(m, the longest usual gap that began in this hour of day, or beside it) + max(12 d, min(2 m, grace))

That is three minutes for a key that speaks every minute, a day and ten minutes for one that speaks once a day, more
for irregular ones, and the whole night for those that rest at night. A gap that was called a silence does not make the
next one usual, unless one as long (within a quarter) begins at the same hour again: then it is a habit. So the first
two nights of a key that begins to rest at night are told, and outages are not learned.

Late records (key_clock.py) change nothing; after a clock was set back a key begins anew. Where the whole stream stands
still or leaps (stream_clock.py), that time counts for nobody. A silence is told once; its moment and its facts depend
on the records of the stream alone, wherever batches begin.

`tick` lets the wall clock speak for a live stream (live_clock.py) that has fallen silent as a whole. It tells what the
stream's time has not come to, and marks it as told; nothing else changes. So the records that come later find what they
would have found without it, less what was told: the same silence has the same moment and facts whoever tells it. Where
they leap over the standstill, a key that stays away when the others are back is told once more, in the new time.

False alarms: in irregular (Poisson) streams fewer than one in 5,000 records, most of them while a key is young. State:
0.6 kB a key. Cost: about 0.06 µs a record, and one pass over the keys a batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.config_file import shown_ms
from detectors.errors import DetectorError
from detectors.key_clock import CLOCK, NEVER, read_clocks
from detectors.keyed_state import Column, KeyedState, Snapshot
from detectors.silence_kernel import (
    ADDRESS,
    BY_CLOCK,
    BY_STREAM,
    DUE,
    HOURS,
    LAST,
    MEAN,
    TIMES,
    TOLD,
    leap_each,
    listen_each,
)  # fmt: skip
from detectors.stream_clock import NOW, new_stream

Bools = npt.NDArray[np.bool_]
Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

DETECTOR = "silence"
GRACE_MS = 600_000
WARM_UP = 8  # gaps


class Silent(NamedTuple):
    """One key that did not speak."""

    key: int
    address: int  # what came with its last record
    last_ms: int
    due_ms: int
    usual_ms: int  # mean gap; 0: not known

    @property
    def sentence(self) -> str:
        """Such as `silent since 03:10 UTC, due by 03:25; speaks every 5m as a rule`."""
        since, due = (str(np.datetime64(time_ms, "ms"))[11:16] for time_ms in (self.last_ms, self.due_ms))
        usual = f"; speaks every {shown_ms(_rounded(self.usual_ms))} as a rule" if self.usual_ms else ""
        return f"silent since {since} UTC, due by {due}{usual}"


class Silence:
    """Listens to the keys of one stream."""

    def __init__(
        self, fixed_ms: int = 0, grace_ms: int = GRACE_MS, lateness_ms: int = 0, warm_up: int = WARM_UP
    ) -> None:
        """`fixed_ms`: the limit; 0: learned, after `warm_up` gaps. A record may be `lateness_ms` on its way."""
        if fixed_ms < 0 or grace_ms <= 0 or lateness_ms < 0 or warm_up < 1:
            raise DetectorError("silence", "its times must be above 0, and the warm-up 1 or more")
        self._fixed_ms, self._grace_ms, self._lateness_ms, self._warm_up = fixed_ms, grace_ms, lateness_ms, warm_up
        self._stream = new_stream()
        self._state = KeyedState(clock=CLOCK, times=TIMES, rhythm=Column((3,)), hours=Column((2, HOURS), np.float32))

    def observe(
        self, keys: Int64s, times_ms: Int64s, addresses: Int64s | None = None, heard: Bools | None = None
    ) -> list[Silent]:
        """Take note of n records of the stream, in order; the silences that are known by now.

        `addresses` are the caller's words for the records; where `heard` is false one moves the stream's time only.
        """
        n = len(keys)
        marks = np.ones(n, np.bool_) if heard is None else heard
        where = np.zeros(n, np.int64) if addresses is None else np.ascontiguousarray(addresses, np.int64)
        slots, codes, ages = np.full(n, -1, np.int64), np.zeros(n, np.int8), np.empty(n, np.int64)
        slots[marks] = self._state.slots(np.ascontiguousarray(keys, np.int64)[marks])
        its = np.empty(int(marks.sum()), np.int8)
        read_clocks(self._state["clock"], slots[marks], times_ms[marks], self._lateness_ms, its, ages[: len(its)])
        codes[marks] = its
        told = np.empty((n + len(self._state), 5), np.int64)
        count = listen_each(
            self._stream, self._state["times"], self._state["rhythm"], self._state["hours"], len(self._state),
            slots, times_ms, codes, where,
            self._fixed_ms, self._grace_ms, self._lateness_ms, self._warm_up, told,
        )  # fmt: skip
        known = self._state.keys
        came_back = [Silent(int(known[slot]), *rest) for slot, *rest in told[:count].tolist()]
        return came_back + self._overdue()

    def tick(self, now_ms: int) -> list[Silent]:
        """The stream is live and it is `now_ms` in its time: the silences that are known by now, and were not told."""
        slots = self._untold(self._due_by(now_ms))
        self._state["times"][slots, TOLD] = BY_CLOCK
        return self._told(slots)

    def overdue(self, now_ms: int) -> bool:
        """Whether a tick at `now_ms` would tell anything."""
        return len(self._untold(self._due_by(now_ms))) > 0

    def is_past(self, time_ms: int) -> bool:
        """Whether the stream's own time is past what a tick at `time_ms` has told."""
        return bool(self._stream[NOW] >= time_ms)

    def warm(self) -> None:
        """Compile or load the kernels."""
        other, zero = Silence(), np.zeros(1, np.int64)
        other.observe(zero, zero)
        leap_each(other._state["times"], other._state["rhythm"], 1, 0, 0, 0, np.empty((1, 5), np.int64), 0)

    def snapshot(self) -> Snapshot:
        """What the records so far left behind."""
        return {"stream": self._stream.copy(), **self._state.snapshot()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there."""
        rest = dict(snapshot)
        self._stream = rest.pop("stream").copy()
        self._state.restore(rest)

    def _overdue(self) -> list[Silent]:
        slots = self._due_by(int(self._stream[NOW]))
        found = self._told(self._untold(slots))
        self._state["times"][slots, TOLD] = BY_STREAM
        return found

    def _due_by(self, now_ms: int) -> Int64s:
        """The slots of keys that are overdue, and were not told by the stream."""
        times = self._state["times"][: len(self._state)]
        overdue = (times[:, DUE] < now_ms - self._lateness_ms) & (times[:, DUE] != NEVER)
        return np.flatnonzero(overdue & (times[:, TOLD] != BY_STREAM))

    def _untold(self, slots: Int64s) -> Int64s:
        """Those that were not told by the clock either."""
        untold: Int64s = slots[self._state["times"][slots, TOLD] != BY_CLOCK]
        return untold

    def _told(self, slots: Int64s) -> list[Silent]:
        times, known, rhythm = self._state["times"], self._state.keys, self._state["rhythm"]
        return [
            Silent(int(known[slot]), int(its[ADDRESS]), int(its[LAST]), int(its[DUE]), int(rhythm[slot, MEAN]))
            for slot, its in zip(slots, times[slots], strict=True)
        ]


def _rounded(duration_ms: int) -> int:
    """To two or three digits of its unit."""
    for unit in (86_400_000, 3_600_000, 60_000, 1_000):
        if duration_ms >= 3 * unit:
            return round(duration_ms / unit) * unit
    return duration_ms
