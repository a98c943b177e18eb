"""Traffic: connections to each target, window by window: floods, scans, and many visitors told apart, with reasons.

A window of a target is six numbers: connections, sources, entropy of the sources (bits), share of the busiest source,
most ports that one source tried, and share of the sources whose neighbourhood (the first 24 bits of the address) has
been seen there before. Each is compared with the target's last MEMORY windows: z = (x - median) / max(1.4826 · median
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

State: 2 kB a target, 1 MB, and the records of the windows that are open. Cost: about 1.8 µs a record, most of
it sorting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.errors import DetectorError
from detectors.keyed_state import Column, KeyedState, Snapshot
from detectors.stream_clock import new_stream
from detectors.traffic_kernel import (
    COUNT,
    FEATURES,
    KNOWN,
    PORTS,
    SOURCES,
    TOP,
    clock_each,
    new_filter,
    remember_each,
    summarise,
)  # fmt: skip

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

DETECTOR = "traffic"
WINDOW_MS = 60_000
MEMORY = 48  # windows
WARM_UP = 12  # windows of a target before anything is said
STRANGE = 6.0  # z
TIMES = 3.0  # the usual, at least
FEW_KNOWN = 0.5  # of the usual share of known neighbourhoods
MOST = 0.3  # share of one source that says it makes most of it
MANY_PORTS = 10
LOGARITHMIC = (COUNT, SOURCES, PORTS)
FLOORS = np.array([0.1, 0.1, 0.3, 0.03, 0.1, 0.05])  # of a spread, by column: logarithms, bits or shares


class Connections(NamedTuple):
    """n connections in the order in which they came."""

    targets: Int64s  # ids of keys
    sources: Int64s  # addresses, IPv4 as whole numbers
    ports: Int64s  # 0 where there are none
    times_ms: Int64s


@dataclass(frozen=True)
class Spotted:
    """One window of one target that is not as usual."""

    target: int
    end_ms: int
    kind: str  # scan, flood or surge
    score: float  # in (0.5, 1)
    observed: Float64s  # shape (6,), see the columns of traffic_kernel
    usual: Float64s  # the medians
    source: int  # the busiest, or for a scan the one with most ports
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Such as `flood: 40x the usual connections, 35x the sources; 2% from known neighbourhoods, usual 95%`."""
        count, sources = self.observed[COUNT] / self.usual[COUNT], self.observed[SOURCES] / self.usual[SOURCES]
        size = f"{count:.3g}x the usual connections, {sources:.3g}x the sources"
        return f"{self.kind}: {size}; {', '.join(self.reasons)}"


class Traffic:
    """Watches the connections of one stream."""

    def __init__(self, window_ms: int = WINDOW_MS, lateness_ms: int = 0, remember: int = 1_440) -> None:
        """`remember` in windows. Raises DetectorError for what cannot be."""
        if window_ms < 1 or lateness_ms < 0 or remember < 1:
            raise DetectorError(DETECTOR, "window and memory must be above 0, the lateness not below")
        self._window_ms, self._lateness_ms, self._remember = window_ms, lateness_ms, remember
        self._stream = new_stream()
        self._targets = KeyedState(past=Column((MEMORY, FEATURES)), seen=Column((), np.int64))
        self._filters = new_filter()
        self._closed = np.array([-(2**62), 0], np.int64)  # number of the first open window; windows since a turn
        self._open = np.empty((0, 4), np.int64)  # window, target, source, port
        self.dropped = 0  # records that came too late, so far

    def observe(self, came: Connections) -> list[Spotted]:
        """Take note of n connections; what the windows say that are closed by now."""
        n, at, found = len(came.targets), 0, list[Spotted]()
        firsts = np.empty(n, np.int64)  # of each record, the first window that is open when it comes
        windows = came.times_ms // self._window_ms
        events = np.column_stack([windows, came.targets, came.sources, came.ports])
        went_back = False
        while at < n:
            how = (self._window_ms, self._lateness_ms, at, went_back)
            last = clock_each(self._stream, came.times_ms, *how, self._closed, firsts)
            good = windows[at:last] >= firsts[at:last]
            self.dropped += int(last - at - good.sum())
            self._open = np.concatenate([self._open, events[at:last][good]])
            ready = self._open[:, 0] < self._closed[0]
            closed, self._open = self._open[ready], self._open[~ready]
            found += self._close(closed)
            at, went_back = last, True
        return found

    def warm(self) -> None:
        """Compile or load the kernels."""
        other, zero = Traffic(), np.zeros(2, np.int64)
        other.observe(Connections(zero, zero, zero, np.array([0, 10 * WINDOW_MS])))

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

    def _close(self, events: Int64s) -> list[Spotted]:
        found: list[Spotted] = []
        if len(events) == 0:
            return found
        events = events[np.lexsort((events[:, 3], events[:, 2], events[:, 1], events[:, 0]))]
        edges = np.flatnonzero(np.diff(events[:, 0])) + 1
        for window in np.split(events, edges):  # a window knows the neighbourhoods of those before it
            starts = np.concatenate([[0], np.flatnonzero(np.diff(window[:, 1])) + 1, [len(window)]])
            observed, sources = np.empty((len(starts) - 1, FEATURES)), np.empty((len(starts) - 1, 2), np.int64)
            summarise(window, starts, self._filters, observed, sources)
            remember_each(window, self._filters)
            self._turn()
            end_ms = (int(window[0, 0]) + 1) * self._window_ms
            found += self._judge(window[starts[:-1], 1], end_ms, observed, sources)
        return found

    def _turn(self) -> None:
        self._closed[1] += 1
        if self._closed[1] >= self._remember:
            self._closed[1] = 0
            self._filters[0], self._filters[1] = self._filters[1].copy(), 0

    def _judge(self, targets: Int64s, end_ms: int, observed: Float64s, sources: Int64s) -> list[Spotted]:
        slots = self._targets.slots(targets)
        past, seen = self._targets["past"], self._targets["seen"]
        found = []
        for place, slot in enumerate(slots.tolist()):
            known = past[slot, : min(MEMORY, int(seen[slot]))]
            if len(known) >= WARM_UP:
                spotted = _spot(int(targets[place]), end_ms, observed[place], known, sources[place])
                found += [] if spotted is None else [spotted]
            past[slot, seen[slot] % MEMORY] = observed[place]
            seen[slot] += 1
        return found


def _spot(target: int, end_ms: int, observed: Float64s, known: Float64s, sources: Int64s) -> Spotted | None:
    usual = np.median(known, axis=0)
    z = _z(observed, known)
    more = observed >= TIMES * usual
    if z[PORTS] > STRANGE and more[PORTS] and observed[PORTS] >= MANY_PORTS:
        reasons = (f"one source tried {observed[PORTS]:.0f} ports, usual {usual[PORTS]:.0f}",)
        return _spotted(target, end_ms, "scan", z[PORTS], observed, usual, int(sources[1]), reasons)
    if z[COUNT] <= STRANGE or not more[COUNT]:
        return None
    why = _reasons(observed, usual, z)
    if why:
        return _spotted(target, end_ms, "flood", z[COUNT], observed, usual, int(sources[0]), why)
    rate = observed[COUNT] / observed[SOURCES]
    calm = f"{rate:.3g} connections a source and {observed[KNOWN]:.0%} from known neighbourhoods, as usual"
    return _spotted(target, end_ms, "surge", z[COUNT], observed, usual, int(sources[0]), (calm,))


def _reasons(observed: Float64s, usual: Float64s, z: Float64s) -> tuple[str, ...]:
    """Why more connections than usual are an attack; none: they are not."""
    found = []
    if observed[TOP] >= MOST and z[TOP] > STRANGE:
        found.append(f"one source makes {observed[TOP]:.0%} of them, usual {usual[TOP]:.0%}")
    rate, usual_rate = observed[COUNT] / observed[SOURCES], usual[COUNT] / usual[SOURCES]
    if rate >= TIMES * usual_rate:
        found.append(f"{rate:.3g} connections a source, usual {usual_rate:.3g}")
    if observed[KNOWN] <= FEW_KNOWN * usual[KNOWN] and z[KNOWN] < -STRANGE:
        found.append(f"{observed[KNOWN]:.0%} from known neighbourhoods, usual {usual[KNOWN]:.0%}")
    return tuple(found)


def _spotted(
    target: int,
    end_ms: int,
    kind: str,
    z: float,
    observed: Float64s,
    usual: Float64s,
    source: int,
    why: tuple[str, ...],
) -> Spotted:
    return Spotted(target, end_ms, kind, float(z / (z + STRANGE)), observed.copy(), usual, source, why)


def _z(observed: Float64s, known: Float64s) -> Float64s:
    """Shape (6,): how far from the median of the past, in its own spread."""
    values, past = observed.copy(), known.copy()
    for column in LOGARITHMIC:
        values[column], past[:, column] = np.log(values[column]), np.log(past[:, column])
    middle = np.median(past, axis=0)
    spread = 1.4826 * np.median(np.abs(past - middle), axis=0)
    z: Float64s = (values - middle) / np.maximum(spread, FLOORS)
    return z
