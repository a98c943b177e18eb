"""The hot loop of silence: gaps learned, moments set by which a key is due, and those that came back too late told."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.key_clock import ANEW, IN_ORDER, NEVER
from detectors.keyed_state import Column
from detectors.stream_clock import NOW, advance

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
Int8s = npt.NDArray[np.int8]
Int64s = npt.NDArray[np.int64]

HOURS = 24
HOUR_MS = 3_600_000
LAST, DUE, TOLD, ADDRESS = range(4)  # columns of `times`; ms, or NEVER
BY_STREAM, BY_CLOCK = 1, 2  # in TOLD: what has told the silence; by the clock, the stream does not tell it again
TIMES = Column((4,), np.int64, NEVER)
GAPS, MEAN, DEVIATION = range(3)  # columns of `rhythm`; ms
USUAL, ONCE = range(2)  # rows of `hours`: the longest usual gap that began then, and an unusual one; ms
MEMORY = 32  # gaps
DEVIATIONS = 12.0
ALIKE = 0.25  # two unusual gaps that differ by less than so much of the longer are a habit
FORGET = 0.9999  # of a longest gap, a record


@compiled
def limit_ms(rhythm: Float64s, hours: Float32s, hour: int, grace_ms: int) -> float:
    """How long the key may rest from now on."""
    mean = rhythm[MEAN]
    usual = hours[USUAL]
    longest = max(usual[hour - 1], usual[hour], usual[(hour + 1) % HOURS])
    return float(max(mean, longest) + max(DEVIATIONS * rhythm[DEVIATION], min(2 * mean, grace_ms)))


@compiled
def learn(rhythm: Float64s, hours: Float32s, gap_ms: float, hour: int, told: bool) -> None:
    """One gap that has ended; `told` if it was called a silence."""
    usual, once = hours[USUAL], hours[ONCE]
    if told:
        habit = once[hour] > 0.0 and abs(once[hour] - gap_ms) < ALIKE * max(once[hour], gap_ms)
        once[hour] = gap_ms
        if habit:
            usual[hour] = max(usual[hour], gap_ms)
        return
    usual[hour] = max(FORGET * usual[hour], gap_ms)
    mean = rhythm[MEAN]
    if rhythm[GAPS] >= MEMORY:  # a rest that is usual at this hour says little about the rhythm
        gap_ms = min(gap_ms, 3 * mean + DEVIATIONS * rhythm[DEVIATION])
    rhythm[GAPS] += 1.0
    share = 1.0 / min(rhythm[GAPS], MEMORY)
    rhythm[MEAN] += share * (gap_ms - mean)
    rhythm[DEVIATION] += share * (abs(gap_ms - rhythm[MEAN]) - rhythm[DEVIATION])


@compiled
def tell(its: Int64s, rhythm: Float64s, slot: int, out: Int64s, told: int) -> int:
    """One silence into row `told` of the result, unless the clock has told it; returns how many are told."""
    by_clock = its[TOLD] == BY_CLOCK
    its[TOLD] = BY_STREAM
    if by_clock:
        return told
    row = out[told]
    row[0], row[1], row[2], row[3], row[4] = slot, its[ADDRESS], its[LAST], its[DUE], int(rhythm[MEAN])
    return told + 1


@compiled
def leap_each(
    times: Int64s, rhythm: Float64s, keys: int, leap_ms: int, before_ms: int, lateness_ms: int, out: Int64s, told: int
) -> int:
    """Time leaps away from `before_ms`: what was overdue by then is told; returns how many were told in all.

    Where it leaps ahead, that time passed for nobody: every key that spoke before did so, and is due, so much later.
    """
    for slot in range(keys):
        its = times[slot]
        if its[DUE] != NEVER and its[TOLD] != BY_STREAM and its[DUE] < before_ms - lateness_ms:
            told = tell(its, rhythm[slot], slot, out, told)
        if leap_ms > 0 and NEVER < its[LAST] <= before_ms:
            its[LAST] += leap_ms
            its[DUE] = its[DUE] + leap_ms if its[DUE] != NEVER else NEVER
            its[TOLD] = BY_STREAM if its[TOLD] == BY_STREAM else 0
    return told


@compiled
def listen_each(
    stream: Int64s,
    times: Int64s,
    rhythm: Float64s,
    hours: Float32s,
    keys: int,
    slots: Int64s,
    times_ms: Int64s,
    codes: Int8s,
    addresses: Int64s,
    fixed_ms: int,
    grace_ms: int,
    lateness_ms: int,
    warm_up: int,
    out: Int64s,
) -> int:
    """For n records in order: move the stream's time, and note when their keys are due next. Slot -1 moves time only.

    Fills `out`, shape (n + keys, 5), with slot, address, last, due and mean gap of those that were overdue when they
    came back, or when time leapt, and were not told before; returns how many.
    """
    told = 0
    for row in range(len(slots)):
        time, slot = times_ms[row], slots[row]
        leap = advance(stream, time)
        if leap != 0:
            told = leap_each(times, rhythm, keys, leap, stream[NOW] - leap, lateness_ms, out, told)
        if slot < 0:
            continue
        its, code = times[slot], codes[row]
        if code not in (IN_ORDER, ANEW):
            continue
        if its[DUE] != NEVER and its[TOLD] != BY_STREAM and its[DUE] < stream[NOW] - lateness_ms:
            told = tell(its, rhythm[slot], slot, out, told)
        # A gap that reaches out of the stream's time is one of the stream, or of a clock: no habit of the key.
        reaches_out = its[LAST] <= stream[NOW] < time
        if its[LAST] != NEVER and code == IN_ORDER and time > its[LAST] and not reaches_out:
            began = its[LAST] // HOUR_MS % HOURS
            learn(rhythm[slot], hours[slot], float(time - its[LAST]), began, its[TOLD] == BY_STREAM)
        its[LAST], its[ADDRESS], its[TOLD] = time, addresses[row], 0
        if fixed_ms > 0:
            its[DUE] = time + fixed_ms
        elif rhythm[slot, GAPS] >= warm_up:
            its[DUE] = time + int(limit_ms(rhythm[slot], hours[slot], time // HOUR_MS % HOURS, grace_ms))
    return told
