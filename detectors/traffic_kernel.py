"""The hot loops of traffic: which window is open when a record comes, a window's numbers, neighbourhoods remembered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.key_table import mix
from detectors.stream_clock import NOW, advance

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
UInt8s = npt.NDArray[np.uint8]

FEATURES = 6
COUNT, SOURCES, ENTROPY, TOP, PORTS, KNOWN = range(FEATURES)
WINDOW, TARGET, SOURCE, PORT, ADDRESS, TIMES = range(6)  # columns of the events; TIMES: how many connections a row is
UNTOLD = -1  # as a port: connections past the limit, whose sources are not told apart
NOBODY = -(2**63)  # their source; before all others
BUSIEST, PRYING, LAST = range(3)  # columns of what a window names: two sources, and the newest record's address
NEIGHBOURHOOD = 8  # bits of an address that neighbours differ in
BITS = 22
HASHES = 3


def new_filter() -> UInt8s:
    """Two Bloom filters: the older and the newer."""
    return np.zeros((2, (1 << BITS) // 8), np.uint8)


@compiled
def clock_each(
    stream: Int64s,
    times_ms: Int64s,
    window_ms: int,
    lateness_ms: int,
    begin: int,
    went_back: bool,
    closed: Int64s,
    firsts: Int64s,
) -> int:
    """For records from `begin` on: move the stream's time; `firsts` is the first window open when each comes.

    `closed[0]` is the first that is open after all of them. Returns n, or the record at which time was set back: what
    was closed until then is to be taken, and the rest given again with `went_back`.
    """
    for row in range(begin, len(times_ms)):
        if row == begin and went_back:
            closed[0] = (stream[NOW] - lateness_ms) // window_ms
        elif advance(stream, times_ms[row]) < 0:
            return row
        firsts[row] = closed[0]
        closed[0] = max(closed[0], (stream[NOW] - lateness_ms) // window_ms)
    return len(times_ms)


@compiled
def _place(target: int, source: int, number: int) -> int:
    """A bit of the filter for the neighbourhood of a source at a target."""
    both = mix(np.uint64(target)) + np.uint64(source >> NEIGHBOURHOOD)
    return int(mix(both + np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)) & np.uint64((1 << BITS) - 1))


@compiled
def is_known(filters: UInt8s, target: int, source: int) -> bool:
    """Whether one of the filters has met the neighbourhood, or takes it for one that it has."""
    old = new = True
    for number in range(HASHES):
        bit = _place(target, source, number)
        old = old and (filters[0, bit >> 3] >> (bit & 7)) & 1 == 1
        new = new and (filters[1, bit >> 3] >> (bit & 7)) & 1 == 1
    return old or new


@compiled
def remember_each(events: Int64s, filters: UInt8s) -> None:
    """Note the neighbourhoods of a window's events."""
    for row in range(len(events)):
        target, source = events[row, TARGET], events[row, SOURCE]
        if events[row, PORT] == UNTOLD:
            continue
        if row == 0 or source != events[row - 1, SOURCE] or target != events[row - 1, TARGET]:
            for number in range(HASHES):
                bit = _place(target, source, number)
                filters[1, bit >> 3] |= np.uint8(1 << (bit & 7))


@compiled
def summarise(events: Int64s, starts: Int64s, filters: UInt8s, out: Float64s, named: Int64s) -> None:
    """The numbers of one window, a row a target; events are ordered by target, source and port.

    `named`, shape (targets, 3), has the busiest source, the one with most ports, and the newest record's address.
    Shares are of the connections whose sources are told apart.
    """
    for place in range(len(starts) - 1):
        row, last = starts[place], starts[place + 1]
        untold, newest = 0, events[row, ADDRESS]
        for at in range(row, last):
            newest = max(newest, events[at, ADDRESS])
        while row < last and events[row, PORT] == UNTOLD:
            untold += events[row, TIMES]
            row += 1
        total = max(1, last - row)
        its, known, top, most = 0, 0, 0, 0
        entropy = 0.0
        while row < last:
            source, begin, ports = events[row, SOURCE], row, 1
            while row < last and events[row, SOURCE] == source:
                if row > begin and events[row, PORT] != events[row - 1, PORT]:
                    ports += 1
                row += 1
            count = row - begin
            share = count / total
            entropy -= share * np.log2(share)
            its += 1
            known += int(is_known(filters, events[begin, TARGET], source))
            if count > top:
                top, named[place, BUSIEST] = count, source
            if ports > most:
                most, named[place, PRYING] = ports, source
        named[place, LAST] = newest
        out[place, COUNT], out[place, SOURCES], out[place, ENTROPY] = total + untold, max(1, its), entropy
        out[place, TOP], out[place, PORTS], out[place, KNOWN] = top / total, max(1, most), known / max(1, its)
