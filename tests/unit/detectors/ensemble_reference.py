"""The calibrated ensemble once more, in lists and plain functions, a key at a time: what the kernel must equal."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from detectors.ensemble_state import BINS, QUARTERS, Parameters, Sizes

FINEST = [0.02, 0.02, 0.02, 0.1, 0.05, 0.0, 0.1]


def bin_of(value: float, finest: float) -> int:
    at = math.log2(value / finest + 1) * 32 if finest else (value + 8) * 64
    return int(min(max(at, 0), BINS - 1))


def edge_of(at: float, finest: float) -> float:
    return finest * (2 ** (at / 32) - 1) if finest else at / 64 - 8


class Stream:
    """The history of one stream, as counts by bin."""

    def __init__(self, finest: float, least: float, clip: float, most: float, par: Parameters) -> None:
        self.finest, self.least, self.clip, self.most, self.par = finest, least, clip, most, par
        self.bins: Counter[int] = Counter()
        self.mass, self.records = 0.0, 0
        self.edge = self.excess = self.share = 0.0

    def surprise(self, value: float) -> float:
        at, told = bin_of(value, self.finest), 0.0
        if self.mass >= self.par.warm_up:
            chance = (1 + sum(count for other, count in self.bins.items() if other >= at)) / (self.mass + 1)
            if chance < self.par.tail and value > self.edge:
                chance = self.share * math.exp(-(value - self.edge) / self.excess)
            if self.least:
                chance = max(chance, math.exp(-max(value - self.edge, 0) / self.least))
            told = min(max(-math.log10(max(chance, 1e-12)) - 1, 0), self.most)
            if self.clip:
                at = min(at, bin_of(self.edge + self.clip * self.excess, self.finest))
        self.bins[at] += 1
        self.mass += 1
        self.records += 1
        if self.mass >= self.par.memory * self.par.warm_up:
            self.mass /= 2
            for other in self.bins:
                self.bins[other] /= 2  # type: ignore[assignment]
        if self.records % 32 == 0:
            self.fit()
        return told

    def fit(self) -> None:
        need = max(self.par.tail * self.mass, self.par.tail_least)
        inside, weighted, last = 0.0, 0.0, 0
        for at in sorted(self.bins, reverse=True):
            if inside and inside + self.bins[at] > need:
                break
            inside += self.bins[at]
            weighted += self.bins[at] * edge_of(at + 0.5, self.finest)
            last = at
        self.edge = edge_of(last, self.finest)
        self.share = inside / self.mass
        half = (edge_of(last + 0.5, self.finest) - self.edge) / 2
        self.excess = max(weighted / inside - self.edge, half)


def scale_of(values: list[float], before: tuple[float, float]) -> tuple[float, float]:
    ordered = sorted(values)
    n = len(ordered)
    q, t = int(0.25 * (n - 1)), int(0.05 * (n - 1))
    wide = max((ordered[-1 - q] - ordered[q]) / 1.35, (ordered[-1 - t] - ordered[t]) / 3.29)
    if wide > 0:
        return float(np.median(ordered)), wide
    if before[1] == 0:
        centre = ordered[n // 2]
        far = max(ordered[-1] - centre, centre - ordered[0])
        return centre, max(far, 0.01 * abs(centre)) if far > 0 else 0.0
    return before


class Reference:
    """Scores the records of one key."""

    def __init__(self, par: Parameters) -> None:
        self.par, self.sizes = par, Sizes.of(par)
        self.values: list[float] = []
        self.quarters: list[int] = []
        self.scale = (0.0, 0.0)
        self.z: list[float] = []
        self.errors: list[float] = []
        self.sizes_of_errors: list[int] = []
        self.ranks: list[float] = []
        self.slots = [[0.0, 0.0, 0.0] for _ in range(QUARTERS)]
        self.usual, self.mean, self.variance, self.up, self.down = 0.0, 0.0, 1.0, 0.0, 0.0
        self.since = 0
        self.beyond: list[float] = []
        self.streams = self.fresh()

    def fresh(self) -> list[Stream]:
        least = [self.par.spread_least] * 3 + [0.0] * 4
        clip = [self.par.tail_clip] * 5 + [0.0, self.par.tail_clip]
        most = [self.par.most] * 5 + [self.par.most / self.par.quiet_weight, self.par.most]
        return [Stream(*given, self.par) for given in zip(FINEST, least, clip, most, strict=True)]

    def score(self, value: float, quarter: int) -> float:
        i = len(self.values)
        past = i - self.par.warm_up
        if past > 0 and past % self.sizes.scale_every == 0:
            self.scale = scale_of(self.values[-self.sizes.scale_window :], self.scale)
        self.values.append(value)
        self.quarters.append(quarter)
        if past < -1:
            return 0.0
        if past == -1:
            self.scale = scale_of(self.values, self.scale)
            for earlier in range(self.par.warm_up):
                self.step(earlier)
            return 0.0
        return self.step(i)

    def step(self, i: int) -> float:
        par, sizes, value, quarter = self.par, self.sizes, self.values[i], self.quarters[i]
        centre, unit = self.scale
        if unit == 0 and value != centre:
            unit = max(abs(value - centre), 0.01 * abs(centre))
            self.scale, self.since, self.streams = (centre, unit), i, self.fresh()
        z = min(max((value - centre) / unit, -1e9), 1e9) if unit else 0.0
        error, relative = self.season(z, quarter)
        told = [0.0] * 8
        if i >= sizes.before:
            told[6] = self.streams[6].surprise(abs(z - float(np.median(self.z[-sizes.before :]))) / relative)
        self.z.append(z)
        self.errors.append(error / relative)
        for k, (window, kept) in enumerate(
            [(sizes.short, self.errors), (sizes.middle, self.errors), (sizes.long, self.z)]
        ):
            if i >= window:
                told[k] = self.streams[k].surprise(float(np.std(kept[-window:])))
        told[3] = self.streams[3].surprise(self.level(z))
        self.ranks.append(self.rank(abs(error / relative)))
        if i >= sizes.long:
            told[4] = self.streams[4].surprise(float(np.mean(self.ranks[-sizes.long :])))
        if i >= sizes.quiet:
            told[5] = self.streams[5].surprise(-math.log(float(np.std(self.z[-sizes.quiet :])) + par.quiet_least))
        self.beyond.append(self.past_all(i, value))
        if i - self.since >= par.warm_up:
            told[7] = min(par.record * max(self.beyond[-sizes.hold :]), par.most)
        weight = min(1.0, (i - self.since) / (par.ramp * par.warm_up))
        told[5] *= par.quiet_weight
        return min(1.0, weight * (sum(told[:3]) / 3 + sum(told[3:])) / 10)

    def season(self, z: float, quarter: int) -> tuple[float, float]:
        par = self.par
        total, visits, squares = (
            sum(self.slots[(quarter + beside) % QUARTERS][k] for beside in (-1, 0, 1)) for k in range(3)
        )
        mean, relative, learned = 0.0, 1.0, z
        if visits:
            mean, variance = total / visits, squares / visits
            if self.usual:
                ratio = (variance + 0.1 * self.usual) / (1.1 * self.usual)
                relative = math.sqrt(0.5 + 0.5 * min(max(ratio, 0.3), 25))
            if visits >= 4:
                limit = par.season_clip * math.sqrt(variance + 0.1 * self.usual + 1e-12)
                learned = mean + min(max(z - mean, -limit), limit)
        squared = min((z - mean) ** 2, 100 * self.usual + 0.001)
        slot = self.slots[quarter]
        self.slots[quarter] = [
            old * par.season_keep + new for old, new in zip(slot, (learned, 1.0, squared), strict=True)
        ]
        self.usual += 0.005 * (squared - self.usual)
        return z - mean, relative

    def past_all(self, i: int, value: float) -> float:
        before = self.values[:i] or [value]
        low, high = min(before), max(before)
        off = max(value - high, low - value, 0.0)
        return min(off / (high - low), 1.0) if high > low else 0.0

    def level(self, z: float) -> float:
        par = self.par
        rate = min(0.06, par.drift * 640 / par.warm_up)
        off = z - self.mean
        step = min(max(off / math.sqrt(self.variance + par.variance_floor), -8), 8)
        self.mean += rate * off
        self.variance = (1 - rate) * (self.variance + rate * off * off)
        self.up = max(0.0, par.level_keep * self.up + step - par.slack)
        self.down = max(0.0, par.level_keep * self.down - step - par.slack)
        return max(self.up, self.down)

    def rank(self, size: float) -> float:
        last = self.sizes_of_errors[-self.sizes.rank_window :]
        at = bin_of(size, FINEST[4])
        self.sizes_of_errors.append(at)
        return min(-math.log10((1 + sum(other >= at for other in last)) / (len(last) + 1)), self.par.rank_most)
