"""Generated series with one known anomaly each, and which detector finds which kind.

A calm series is a daily cycle of requests with noise that has memory, one value every five minutes, for three weeks:
200 + 60 sin(day) + 20 sin(2 day) + noise of 8 (AR(1), 0.4). Each anomaly begins at a time of its own in the second
half. Sizes are in standard deviations of the noise; they are meant to be hard enough to tell detectors apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.catalogue import CATALOGUE, Judge, Options

Bools = npt.NDArray[np.bool_]
Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
Random = np.random.Generator

STEP_MS = 300_000
A_DAY = 288  # records
AN_HOUR = 12
DAYS = 21
WARM_UP = 2 * A_DAY
SERIES = 20  # of each kind
NOISE = 8.0
MEMORY = 0.4
BEGIN = (11 * A_DAY, 17 * A_DAY)  # an anomaly begins in between


class Kind(NamedTuple):
    """One kind of anomaly: what it does to the values from its first record on, and until when it counts as found."""

    what: str
    within: int  # records
    change: Callable[[Float64s, Random], None]


@dataclass(frozen=True, eq=False)
class World:
    """Some series, each with one anomaly, as keys of one stream."""

    values: Float64s  # shape (series, n)
    begins: Int64s  # shape (series,): the first record of the anomaly
    within: int  # records from there in which an alarm finds it


def calm(random: Random) -> Float64s:
    """Shape (n,): nothing happens."""
    at = 2 * np.pi * np.arange(DAYS * A_DAY) / A_DAY
    noise = random.normal(size=len(at)) * NOISE * np.sqrt(1 - MEMORY**2)
    for row in range(1, len(noise)):
        noise[row] += MEMORY * noise[row - 1]
    values: Float64s = 200 + 60 * np.sin(at) + 20 * np.sin(2 * at) + noise
    return values


def _spike(part: Float64s, _random: Random) -> None:
    part[:3] += 12 * NOISE


def _drop(part: Float64s, _random: Random) -> None:
    part[: 2 * AN_HOUR] *= 0.4


def _shift(part: Float64s, _random: Random) -> None:
    part += 5 * NOISE


def _leak(part: Float64s, _random: Random) -> None:
    part += 5 * NOISE * np.arange(len(part)) / A_DAY


def _variance(part: Float64s, random: Random) -> None:
    part[:A_DAY] += random.normal(size=len(part[:A_DAY])) * 3 * NOISE


def _season(part: Float64s, _random: Random) -> None:
    part[:] = np.roll(part, A_DAY // 4)  # the day comes six hours later; what is rolled in lies at the end


def _flat(part: Float64s, _random: Random) -> None:
    part[:A_DAY] = part[0]


def _flood(part: Float64s, random: Random) -> None:
    lasts = 2 * AN_HOUR
    rise = np.minimum(1.0, np.arange(1, lasts + 1) / 3)
    part[:lasts] = random.poisson(part[:lasts].clip(0) * (1 + 4 * rise))


KINDS = {
    "spike": Kind("12 sd, 15 minutes", 2 * AN_HOUR, _spike),
    "drop": Kind("to 40 %, 2 hours", 4 * AN_HOUR, _drop),
    "level shift": Kind("5 sd, for good", A_DAY // 2, _shift),
    "trend, leak": Kind("5 sd a day, for good", 2 * A_DAY, _leak),
    "variance change": Kind("noise 3.2 times as wide, a day", A_DAY // 2, _variance),
    "seasonal change": Kind("the day 6 hours later, for good", A_DAY, _season),
    "flat line": Kind("stuck for a day", A_DAY, _flat),
    "traffic flood": Kind("5 times the requests, 2 hours", 2 * AN_HOUR, _flood),
}


def world(kind: Kind, seed: int, series: int = SERIES) -> World:
    """So many series with that anomaly; the same seed gives the same series before it, whatever the kind."""
    values, begins = [], []
    for number in range(series):
        random = np.random.default_rng((seed, number))
        values.append(calm(random))
        begins.append(int(random.integers(*BEGIN)))
        kind.change(values[-1][begins[-1] :], random)
    return World(np.array(values), np.array(begins), kind.within)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a detector made of a world."""

    delays: list[int | None]  # records from the beginning to the first alarm, None where it came too late or never
    false_alarms: int  # before the anomaly
    calm_weeks: float  # all series together, without the warm-up

    @property
    def found(self) -> int:
        """How many of the anomalies."""
        return sum(delay is not None for delay in self.delays)


def judge(name: str, given: World, options: Options | None = None) -> Outcome:
    """Stream the world through a detector of the catalogue and hold its alarms against what is known."""
    return outcome(stream(name, [given], options)[0][1], given)


def stream(name: str, worlds: Sequence[World], options: Options | None = None) -> list[tuple[Float64s, Bools]]:
    """Scores and alarms of each world, shape (series, n); 0 and False past the time in which an anomaly is found.

    Series of the same number are the same in all worlds until their anomaly begins (`world`): a detector sees that part
    once, and goes on from its snapshot in every world.
    """
    told = [(np.zeros(given.values.shape), np.zeros(given.values.shape, np.bool_)) for given in worlds]
    for number, begin in enumerate(worlds[0].begins.tolist()):
        before = Judge.make(name, WARM_UP, options)
        calm_part = _decided(before, worlds[0].values[number, :begin], 0)
        kept = before.detector.snapshot(), before.decider.snapshot()
        for given, (scores, alarms) in zip(worlds, told, strict=True):
            its = Judge.make(name, WARM_UP, options)
            its.detector.restore(kept[0])
            its.decider.restore(kept[1])
            end = begin + given.within
            scores[number, :begin], alarms[number, :begin] = calm_part
            scores[number, begin:end], alarms[number, begin:end] = _decided(its, given.values[number, begin:end], begin)
    return told


def _decided(its: Judge, values: Float64s, first: int) -> tuple[Float64s, Bools]:
    """Scores and alarms of values, the first of which is number `first` of its series."""
    times_ms = (first + np.arange(len(values))) * STEP_MS
    scores, _, alarms = its.decide(np.zeros(len(values), np.int64), times_ms, np.ascontiguousarray(values))
    return scores, alarms


def outcome(alarms: Bools, given: World) -> Outcome:
    """Hold alarms, shape (series, n), against what is known."""
    delays: list[int | None] = []
    false_alarms, calm_records = 0, 0
    for its, begin in zip(alarms, given.begins.tolist(), strict=True):
        hits = np.flatnonzero(its[begin : begin + given.within])
        delays.append(int(hits[0]) if len(hits) else None)
        false_alarms += int(its[WARM_UP:begin].sum())
        calm_records += begin - WARM_UP
    return Outcome(delays, false_alarms, calm_records / (7 * A_DAY))


def run(names: Sequence[str] = tuple(CATALOGUE), seed: int = 0, series: int = SERIES) -> dict[str, Any]:
    """Every detector on every kind."""
    told: dict[str, Any] = {"series": series, "seed": seed, "detectors": {name: {} for name in names}}
    worlds = [world(kind, seed, series) for kind in KINDS.values()]
    for name in names:
        for label, given, (_, alarms) in zip(KINDS, worlds, stream(name, worlds), strict=True):
            its = outcome(alarms, given)
            delays = [delay for delay in its.delays if delay is not None]
            told["detectors"][name][label] = {
                "found": its.found,
                "median_delay_s": float(np.median(delays)) * STEP_MS / 1000 if delays else None,
                "false_alarms_per_week": round(its.false_alarms / its.calm_weeks, 3),
            }
    return told


def lines(told: dict[str, Any]) -> list[str]:
    """The table, in Markdown: detectors across, kinds down."""
    names, series = list(told["detectors"]), told["series"]
    rows = [("", "what happens", "in time is", *names), ("---", "---", "---:", *["---:"] * len(names))]
    for label, kind in KINDS.items():
        cells = [_cell(told["detectors"][name][label]) for name in names]
        rows.append((label, kind.what, f"{kind.within / AN_HOUR:g} h", *cells))
    false = [np.mean([each["false_alarms_per_week"] for each in told["detectors"][name].values()]) for name in names]
    rows.append(("false alarms", "a week of a calm series", "", *[f"{each:.2f}" for each in false]))
    head = f"Found in time of {series} series of each kind, and the median delay of those found."
    return [head, "", *[f"| {' | '.join(row)} |" for row in rows]]


def _cell(told: dict[str, Any]) -> str:
    delay = told["median_delay_s"]
    return "0" if delay is None else f"{told['found']} ({delay / 60:.0f} min)"
