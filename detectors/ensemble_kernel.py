"""The hot loop of the calibrated ensemble; what it computes, and why, is told in ensemble.py.

One file, because the compile cache watches the file of the function that is called and no other.
"""

from __future__ import annotations

import math

import numpy as np

from detectors.compiled import compiled
from detectors.ensemble_state import (
    BINS,
    BLOCK,
    QUARTERS,
    REFERENCE_WARM_UP,
    STREAMS,
    Float32s,
    Float64s,
    Int32s,
    Int64s,
    Parameters,
    Sizes,
    State,
)

LEVEL, LIKELIHOOD, QUIET, POINT, RECORD = 3, 4, 5, 6, 7  # streams; 0, 1 and 2 are the spread over three windows
FINEST = np.array([0.02, 0.02, 0.02, 0.1, 0.05, 0.0, 0.1])  # width of the first bin of each stream, over 1/32 octave
A_OCTAVE = 32.0  # bins
LINEAR, LOWEST = 64.0, -8.0  # bins of the quiet stream a unit, and where they begin; it is a logarithm already
MASS, RECORDS, EDGE, EXCESS, SHARE = range(5)
REFIT_EVERY = 32  # records of a stream
LARGEST = 1e9  # sd: beyond it squares lose their digits
STEP_MOST = 8.0  # sd: what one record can add to the CUSUM
ERROR_RATE = 0.005  # a record: of the mean squared error
ERROR_CLIP = 100.0  # times it: one record does not change what is usual
FLAT_SHARE = 0.01  # of the level: the least spread of a series that was flat


@compiled
def bin_of(value: float, finest: float) -> int:
    """The bin of a stream's value: 1/32 octave wide above `finest`; `finest` 0 stands for the linear bins."""
    at = math.log2(value / finest + 1.0) * A_OCTAVE if finest > 0.0 else (value - LOWEST) * LINEAR
    return int(min(max(at, 0.0), BINS - 1.0))


@compiled
def edge_of(at: float, finest: float) -> float:
    """The value at a (broken) number of bins."""
    return float(finest * (2.0 ** (at / A_OCTAVE) - 1.0) if finest > 0.0 else at / LINEAR + LOWEST)


@compiled
def from_bin(bins: Float32s, at: int) -> float:
    """How much of a histogram lies in the bin `at` or above; the last of `bins` are sums of blocks."""
    block = at // BLOCK
    above = 0.0
    for other in range(BINS + block + 1, BINS + BINS // BLOCK):
        above += bins[other]
    for other in range(at, (block + 1) * BLOCK):
        above += bins[other]
    return above


@compiled
def fit_tail(bins: Float32s, fit: Float64s, finest: float, par: Parameters) -> None:
    """Where the top of a stream's history begins, how much of it that is, and its mean excess."""
    need = max(par.tail * fit[MASS], par.tail_least)
    inside, weighted = 0.0, 0.0
    at, last = BINS - 1, BINS - 1
    while at >= 0:
        if at % BLOCK == BLOCK - 1 and bins[BINS + at // BLOCK] == 0.0:
            at -= BLOCK
            continue
        if bins[at] > 0.0:
            if inside > 0.0 and inside + bins[at] > need:
                break
            inside += bins[at]
            weighted += bins[at] * edge_of(at + 0.5, finest)
            last = at
        at -= 1
    edge = edge_of(float(last), finest)
    fit[EDGE] = edge
    fit[SHARE] = inside / fit[MASS]
    fit[EXCESS] = max(weighted / inside - edge, 0.5 * (edge_of(last + 0.5, finest) - edge))


@compiled
def surprise(
    bins: Float32s, fit: Float64s, value: float, finest: float, least: float, clip: float, most: float, par: Parameters
) -> float:
    """Decades beyond one in ten that a value is rarer than the stream's history; the value is then learned."""
    at, mass, told = bin_of(value, finest), fit[MASS], 0.0
    if mass >= par.warm_up:
        chance = (1.0 + from_bin(bins, at)) / (mass + 1.0)
        if chance < par.tail and value > fit[EDGE]:
            chance = fit[SHARE] * math.exp(-(value - fit[EDGE]) / fit[EXCESS])
        if least > 0.0:
            chance = max(chance, math.exp(-max(value - fit[EDGE], 0.0) / least))
        told = min(max(-math.log10(max(chance, 1e-12)) - 1.0, 0.0), most)
        if clip > 0.0:
            at = min(at, bin_of(fit[EDGE] + clip * fit[EXCESS], finest))
    bins[at] += 1.0
    bins[BINS + at // BLOCK] += 1.0
    fit[MASS] += 1.0
    fit[RECORDS] += 1.0
    if fit[MASS] >= par.memory * par.warm_up:
        bins *= np.float32(0.5)
        fit[MASS] *= 0.5
    if int(fit[RECORDS]) % REFIT_EVERY == 0:
        fit_tail(bins, fit, finest, par)
    return told


@compiled
def spread(ring: Float64s, at: int, window: int) -> float:
    """Standard deviation of the last `window` values of a ring, the one at `at` included."""
    end = at % len(ring) + 1
    young = ring[max(0, end - window) : end]
    old = ring[len(ring) - (window - len(young)) :]
    mean, squares = 0.0, 0.0
    for value in old:
        mean += value
    for value in young:
        mean += value
    mean /= window
    for value in old:
        squares += (value - mean) * (value - mean)
    for value in young:
        squares += (value - mean) * (value - mean)
    return math.sqrt(squares / window)


@compiled
def rescale(values: Float64s, scale: Float64s) -> None:
    """Median, and the larger of the spreads that the middle half and the middle nine tenths suggest for a normal."""
    ordered = np.sort(values)
    n = len(ordered)
    quarter, twentieth = int(0.25 * (n - 1)), int(0.05 * (n - 1))
    middle = (ordered[n - 1 - quarter] - ordered[quarter]) / 1.35
    wide = (ordered[n - 1 - twentieth] - ordered[twentieth]) / 3.29
    if max(middle, wide) > 0.0:
        scale[0] = 0.5 * (ordered[(n - 1) // 2] + ordered[n // 2])
        scale[1] = max(middle, wide)
    elif scale[1] == 0.0:  # flat but for a few: the largest of them is one spread
        scale[0] = ordered[n // 2]
        far = max(ordered[n - 1] - scale[0], scale[0] - ordered[0])
        scale[1] = max(far, FLAT_SHARE * abs(scale[0])) if far > 0.0 else 0.0


@compiled
def seasonal(state: State, s: int, quarter: int, z: float, par: Parameters) -> tuple[float, float]:
    """Error against the same time of other days, and the slot's relative spread; then learn the record."""
    slots = state.season[s]
    usual = state.moving[s, 0]
    total, visits, squares = 0.0, 0.0, 0.0
    for neighbour in (quarter - 1, quarter, quarter + 1):
        slot = slots[neighbour % QUARTERS]
        total, visits, squares = total + slot[0], visits + slot[1], squares + slot[2]
    mean, relative, learned = 0.0, 1.0, z
    if visits > 0.0:
        mean, variance = total / visits, squares / visits
        if usual > 0.0:
            ratio = (variance + 0.1 * usual) / (1.1 * usual)
            relative = math.sqrt(0.5 + 0.5 * min(max(ratio, 0.3), 25.0))
        if visits >= 4.0:  # noqa: PLR2004 - fewer visits have no spread of their own
            limit = par.season_clip * math.sqrt(variance + 0.1 * usual + 1e-12)
            learned = mean + min(max(z - mean, -limit), limit)
    error = z - mean
    squared = min(error * error, ERROR_CLIP * usual + 0.001)
    slot = slots[quarter]
    slot[0] = slot[0] * par.season_keep + learned
    slot[1] = slot[1] * par.season_keep + 1.0
    slot[2] = slot[2] * par.season_keep + squared
    state.moving[s, 0] += ERROR_RATE * (squared - usual)
    return error, relative


@compiled
def level(moving: Float64s, z: float, first: bool, par: Parameters) -> float:
    """The larger side of a two-sided CUSUM of what is new against the level's own moving mean and spread."""
    if first:
        moving[2] = 1.0
    rate = min(0.06, par.drift * REFERENCE_WARM_UP / par.warm_up)
    off = z - moving[1]
    step = min(max(off / math.sqrt(moving[2] + par.variance_floor), -STEP_MOST), STEP_MOST)
    moving[1] += rate * off
    moving[2] = (1.0 - rate) * (moving[2] + rate * off * off)
    moving[3] = max(0.0, par.level_keep * moving[3] + step - par.slack)
    moving[4] = max(0.0, par.level_keep * moving[4] - step - par.slack)
    return float(max(moving[3], moving[4]))


@compiled
def ranked(state: State, s: int, i: int, size: float, par: Parameters) -> float:
    """Decades that the size of an error is rarer than the last ones; then it takes the place of the oldest."""
    ring: Int64s = state.rank_ring[s]
    bins: Int32s = state.rank_bins[s]
    at = bin_of(size, FINEST[LIKELIHOOD])
    known = min(i, len(ring))
    block, above = at // BLOCK, 0
    for other in range(BINS + block + 1, BINS + BINS // BLOCK):
        above += bins[other]
    for other in range(at, (block + 1) * BLOCK):
        above += bins[other]
    place = i % len(ring)
    if i >= len(ring):
        bins[ring[place]] -= 1
        bins[BINS + ring[place] // BLOCK] -= 1
    ring[place] = at
    bins[at] += 1
    bins[BINS + block] += 1
    return min(-math.log10((1.0 + above) / (known + 1.0)), par.rank_most)


@compiled
def beyond(extremes: Float64s, value: float, first: bool) -> float:
    """How far a value lies beyond all before it, as a share of their range, at most 1; it is then one of them."""
    if first:
        extremes[:] = value
    low, high = extremes[0], extremes[1]
    width, off = high - low, max(value - high, low - value)
    extremes[0], extremes[1] = min(low, value), max(high, value)
    return min(off / width, 1.0) if 0.0 < width < math.inf and off > 0.0 else 0.0


@compiled
def step(
    state: State, s: int, i: int, value: float, quarter: int, par: Parameters, sizes: Sizes, told: Float64s
) -> float:
    """Score record i of a key and learn from it; `told` takes what each stream says, in decades."""
    told[:] = 0.0
    tail, fit = state.tail[s], state.tail_fit[s]
    centre, unit = state.scale[s, 0], state.scale[s, 1]
    if (
        unit == 0.0 and value != centre
    ):  # the first move of a flat series: its size is the unit, the history starts anew
        unit = max(abs(value - centre), FLAT_SHARE * abs(centre))
        state.scale[s, 1] = unit
        state.since[s] = i
        tail[:] = 0.0
        fit[:] = 0.0
    z = min(max((value - centre) / unit, -LARGEST), LARGEST) if unit > 0.0 else 0.0
    recent = sizes.recent
    error, relative = seasonal(state, s, quarter, z, par)
    if i >= sizes.before:
        last = np.empty(sizes.before)
        for back in range(sizes.before):
            last[back] = state.z[s, (i - 1 - back) % recent]
        off = abs(z - np.median(last)) / relative
        told[POINT] = surprise(tail[POINT], fit[POINT], off, FINEST[POINT], 0.0, par.tail_clip, par.most, par)
    state.z[s, i % recent] = z
    state.error[s, i % recent] = error / relative
    for k in range(3):
        window = (sizes.short, sizes.middle, sizes.long)[k]
        if i >= window:
            wide = spread(state.z[s] if k == 2 else state.error[s], i, window)  # noqa: PLR2004 - the longest
            told[k] = surprise(tail[k], fit[k], wide, FINEST[k], par.spread_least, par.tail_clip, par.most, par)
    sums = level(state.moving[s], z, i == 0, par)
    told[LEVEL] = surprise(tail[LEVEL], fit[LEVEL], sums, FINEST[LEVEL], 0.0, par.tail_clip, par.most, par)
    ranks = state.rank_mean[s]
    ranks[i % sizes.long] = ranked(state, s, i, abs(error / relative), par)
    if i >= sizes.long:
        told[LIKELIHOOD] = surprise(
            tail[LIKELIHOOD], fit[LIKELIHOOD], ranks.mean(), FINEST[LIKELIHOOD], 0.0, par.tail_clip, par.most, par
        )
    if i >= sizes.quiet:
        lull = -math.log(spread(state.z[s], i, sizes.quiet) + par.quiet_least)
        told[QUIET] = surprise(tail[QUIET], fit[QUIET], lull, FINEST[QUIET], 0.0, 0.0, par.most / par.quiet_weight, par)
    ring = state.beyond[s]
    ring[i % sizes.hold] = beyond(state.extremes[s], value, i == 0)
    if i - state.since[s] >= par.warm_up:
        told[RECORD] = min(par.record * ring.max(), par.most)
    told *= min(1.0, (i - state.since[s]) / (par.ramp * par.warm_up))
    told[QUIET] *= par.quiet_weight
    return float((told[0] + told[1] + told[2]) / 3.0 + told[3] + told[4] + told[5] + told[6] + told[7])


@compiled
def score_each(
    state: State,
    slots: Int64s,
    quarters: Int64s,
    values: Float64s,
    par: Parameters,
    sizes: Sizes,
    scores: Float64s,
    told: Float64s,
) -> None:
    """For n records in order: `scores`, shape (n,), and `told`, shape (n, 8), in decades; 0 during the warm-up.

    The warm-up is kept, and gone through when it is complete, with the scale of the whole of it: what is learned is the
    same as if that scale had been known from the first record on, and no score uses a later one.
    """
    for row in range(len(slots)):
        s, value = slots[row], values[row]
        scores[row] = 0.0
        told[row, :] = 0.0
        if not math.isfinite(value):
            continue
        i = state.seen[s]
        ring = state.values[s]
        if i < par.warm_up:
            ring[i] = value
            state.quarter[s, i] = quarters[row]
            if i + 1 == par.warm_up:
                rescale(ring[: par.warm_up], state.scale[s])
                unused = np.empty(STREAMS)
                for earlier in range(par.warm_up):
                    step(state, s, earlier, ring[earlier], 0 + state.quarter[s, earlier], par, sizes, unused)
        else:
            if i > par.warm_up and (i - par.warm_up) % sizes.scale_every == 0:
                rescale(ring[: min(i, len(ring))], state.scale[s])
            scores[row] = step(state, s, i, value, quarters[row], par, sizes, told[row])
            ring[i % len(ring)] = value
        state.seen[s] += 1
