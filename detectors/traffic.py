"""Traffic: connections to each target, window by window: floods, scans, and many visitors told apart, with reasons.

A window of a target is six numbers: connections, sources, entropy of the sources (bits), share of the busiest source,
most ports that one source tried, and share of the sources whose neighbourhood (the first 24 bits of the address) has
been seen there before. Each is compared with the target's last MEMORY windows (the known neighbourhoods, which grow
while a target is young, with its last WARM_UP): z = (x - median) / max(1.4826 · median
absolute deviation, a floor), counts as logarithms. What is much more than usual is

    scan    one source tried many ports, at whatever rate
    flood   many more connections, and a reason to call that an attack: one source makes most of them, or sources
            connect much more often than sources here do, or most come from neighbourhoods never seen before
    surge   many more connections by as many more sources, who behave and come from where they always did: a flash crowd

The reasons follow Jung, Krishnamurthy and Rabinovich (Flash crowds and denial of service attacks, WWW 2002): in a flash
crowd the rate of a source stays, and most neighbourhoods are old; in an attack they are new. Without a reason it is a
surge, however large.

Event time: a window closes when the stream's time (stream_clock.py) is past its end by the lateness; later records are
counted and dropped. Where time is set back, windows open again. Score: z / (z + 6) of what is stranger, in [0, 1);
alarms are above 0.5 and at least three times the usual. An attack has to last MEMORY / 2 windows to become usual.
Neighbourhoods are remembered in two Bloom filters of 2^22 bits that take turns: for `remember` windows at least; with
200,000 of them in it a filter takes one new one in 400 for known.

A window holds `limit` connections exactly, in the order in which they came; what comes past it is counted by target,
and its sources are not told apart. So a flood of any size is one: by the numbers of its beginning, and the whole count.

State: 2 kB a target, 1 MB, and 48 bytes for each connection of the windows that are open, at most `limit` in each.
Cost: about 1.8 µs a record, most of it sorting.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.errors import DetectorError
from detectors.keyed_state import Column, KeyedState, Snapshot
from detectors.stream_clock import new_stream
from detectors.traffic_kernel import (
    ADDRESS,
    FEATURES,
    NOBODY,
    PORT,
    SOURCE,
    TARGET,
    TIMES,
    UNTOLD,
    WINDOW,
    clock_each,
    new_filter,
    remember_each,
    summarise,
)  # fmt: skip
from detectors.traffic_spot import WARM_UP, Spotted, spot

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

DETECTOR = "traffic"
WINDOW_MS = 60_000
MEMORY = 48  # windows
LIMIT = 1_000_000  # connections of a window


class Connections(NamedTuple):
    """n connections in the order in which they came."""

    targets: Int64s  # ids of keys
    sources: Int64s  # addresses, IPv4 as whole numbers
    ports: Int64s  # 0 where there are none
    times_ms: Int64s
    addresses: Int64s  # the caller's words for them, rising


class Traffic:
    """Watches the connections of one stream."""

    def __init__(
        self, window_ms: int = WINDOW_MS, lateness_ms: int = 0, remember: int = 1_440, limit: int = LIMIT
    ) -> None:
        """`remember` in windows, `limit` in connections of a window. Raises DetectorError for what cannot be."""
        if window_ms < 1 or lateness_ms < 0 or remember < 1 or limit < 1:
            raise DetectorError(DETECTOR, "window, memory and limit must be above 0, the lateness not below")
        self._window_ms, self._lateness_ms, self._remember, self._limit = window_ms, lateness_ms, remember, limit
        self._stream = new_stream()
        self._targets = KeyedState(past=Column((MEMORY, FEATURES)), seen=Column((), np.int64))
        self._filters = new_filter()
        self._closed = np.array([-(2**62), 0], np.int64)  # number of the first open window; windows since a turn
        self._open = np.empty((0, 6), np.int64)  # the columns of traffic_kernel
        self.dropped = 0  # records that came too late, so far

    def observe(self, came: Connections) -> list[Spotted]:
        """Take note of n connections; what the windows say that are closed by now."""
        n, at, found = len(came.targets), 0, list[Spotted]()
        firsts = np.empty(n, np.int64)  # of each record, the first window that is open when it comes
        windows = came.times_ms // self._window_ms
        ports, ones = np.maximum(came.ports, 0), np.ones(n, np.int64)
        events = np.column_stack([windows, came.targets, came.sources, ports, came.addresses, ones])
        went_back = False
        while at < n:
            how = (self._window_ms, self._lateness_ms, at, went_back)
            last = clock_each(self._stream, came.times_ms, *how, self._closed, firsts)
            good = windows[at:last] >= firsts[at:last]
            self.dropped += int(last - at - good.sum())
            self._take(events[at:last][good])
            ready = self._open[:, 0] < self._closed[0]
            closed, self._open = self._open[ready], self._open[~ready]
            found += self._close(closed)
            at, went_back = last, True
        return found

    def warm(self) -> None:
        """Compile or load the kernels."""
        other, zero = Traffic(), np.zeros(2, np.int64)
        other.observe(Connections(zero, zero, zero, np.array([0, 10 * WINDOW_MS]), zero))

    def snapshot(self) -> Snapshot:
        """What the records so far left behind."""
        own: Snapshot = {"stream": self._stream.copy(), "filters": self._filters.copy()}
        return {**self._targets.snapshot(), **own, "closed": self._closed.copy(), "open": self._open.copy()}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there."""
        rest = dict(snapshot)
        self._stream, self._filters = rest.pop("stream").copy(), rest.pop("filters").copy()
        self._closed, self._open = rest.pop("closed").copy(), rest.pop("open").copy()
        self._targets.restore(rest)

    def _take(self, events: Int64s) -> None:
        """Note connections of open windows: as they are up to the limit of their window, as counts past it."""
        told = self._open[self._open[:, PORT] != UNTOLD, WINDOW]
        past = np.zeros(len(events), np.bool_)
        if len(told) + len(events) > self._limit:
            for window in np.unique(events[:, WINDOW]).tolist():
                its = np.flatnonzero(events[:, WINDOW] == window)
                past[its[max(0, self._limit - int((told == window).sum())) :]] = True
        self._open = np.concatenate([self._open, events[~past]])
        if past.any():
            self._count(events[past])

    def _count(self, events: Int64s) -> None:
        counted = self._open[:, PORT] == UNTOLD
        every = np.concatenate([self._open[counted], events])
        _, first, which = np.unique(every[:, [WINDOW, TARGET]], axis=0, return_index=True, return_inverse=True)
        rows = every[first]
        rows[:, SOURCE], rows[:, PORT] = NOBODY, UNTOLD
        rows[:, TIMES] = np.bincount(which.ravel(), weights=every[:, TIMES]).astype(np.int64)
        np.maximum.at(rows[:, ADDRESS], which.ravel(), every[:, ADDRESS])
        self._open = np.concatenate([self._open[~counted], rows])

    def _close(self, events: Int64s) -> list[Spotted]:
        found: list[Spotted] = []
        if len(events) == 0:
            return found
        events = events[np.lexsort((events[:, 3], events[:, 2], events[:, 1], events[:, 0]))]
        edges = np.flatnonzero(np.diff(events[:, 0])) + 1
        for window in np.split(events, edges):  # a window knows the neighbourhoods of those before it
            starts = np.concatenate([[0], np.flatnonzero(np.diff(window[:, 1])) + 1, [len(window)]])
            observed, named = np.empty((len(starts) - 1, FEATURES)), np.zeros((len(starts) - 1, 3), np.int64)
            summarise(window, starts, self._filters, observed, named)
            remember_each(window, self._filters)
            self._turn()
            end_ms = (int(window[0, 0]) + 1) * self._window_ms
            found += self._judge(window[starts[:-1], 1], end_ms, observed, named)
        return found

    def _turn(self) -> None:
        self._closed[1] += 1
        if self._closed[1] >= self._remember:
            self._closed[1] = 0
            self._filters[0], self._filters[1] = self._filters[1].copy(), 0

    def _judge(self, targets: Int64s, end_ms: int, observed: Float64s, named: Int64s) -> list[Spotted]:
        slots = self._targets.slots(targets)
        past, seen = self._targets["past"], self._targets["seen"]
        found = []
        for place, slot in enumerate(slots.tolist()):
            at, full = int(seen[slot]) % MEMORY, seen[slot] >= MEMORY
            known = np.concatenate([past[slot, at:], past[slot, :at]]) if full else past[slot, :at]
            if len(known) >= WARM_UP:
                spotted = spot(int(targets[place]), end_ms, observed[place], known, named[place])
                found += [] if spotted is None else [spotted]
            past[slot, seen[slot] % MEMORY] = observed[place]
            seen[slot] += 1
        return found
