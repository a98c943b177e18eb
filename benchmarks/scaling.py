"""`lab bench scaling`: throughput against consumers, partitions, keys and batch size, one at a time, on one cluster."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.members import Speed
from benchmarks.stage import SCORING, Say, Stage, stage
from kafka_cluster.embedded.settings import LabSettings


@dataclass(frozen=True)
class Setup:
    """One way to run it; the defaults are the base that the others are held against."""

    consumers: int = 1
    partitions: int = 4
    keys: int = 1_000
    batch: int = 50_000

    def __str__(self) -> str:
        return (
            f"{self.consumers} consumer{'s' * (self.consumers > 1)}, {self.partitions} partitions, "
            f"{self.keys:,} keys, batches of {self.batch:,}"
        )


BASE = Setup()
AXES: dict[str, tuple[int, ...]] = {
    "consumers": (1, 2),
    "partitions": (4, 16, 64),
    "keys": (3, 1_000, 1_000_000),
    "batch": (1_000, 5_000, 20_000, 50_000, 100_000),
}


def setups() -> list[Setup]:
    """The base and everything that differs from it along one axis, each once."""
    others = [replace(BASE, **{axis: value}) for axis, values in AXES.items() for value in values]
    return [BASE, *(setup for setup in others if setup != BASE)]


def run(lab: LabSettings, records: int, rounds: int, say: Say) -> dict[str, Any]:
    """Every setup once a round, so that what else goes on on this machine hits all of them alike."""
    found: dict[Setup, list[Speed]] = defaultdict(list)
    with stage(lab, BASE.partitions, say) as on:
        _measure(on, BASE, records)  # not counted: the broker compiles itself first
        for number in range(1, rounds + 1):
            for setup in setups():
                speed = _measure(on, setup, records)
                found[setup].append(speed)
                say(f"round {number} of {rounds}, {setup}: {speed.per_s:,.0f} records/s")
    return {"records": records, "rounds": rounds, "cores": os.cpu_count(), "base": str(BASE), "points": points(found)}


def points(found: dict[Setup, list[Speed]]) -> list[dict[str, Any]]:
    """One object for each value of each axis: its fastest run, because what else runs here only ever slows one down."""
    return [
        {"axis": axis, "value": value} | _point(found[replace(BASE, **{axis: value})], found[BASE])
        for axis, values in AXES.items()
        for value in values
    ]


def _point(runs: list[Speed], base: list[Speed]) -> dict[str, Any]:
    best = max(runs, key=lambda run: run.per_s)
    return {
        "scored_per_s": round(best.per_s),
        "ratio_to_base": round(best.per_s / max(run.per_s for run in base), 3),
        "cpu_s_per_million": round(best.cpu_s_per_million, 3),
        "rss_mb_max": round(max(run.rss_mb_max for run in runs), 1),
        "runs": [round(run.per_s) for run in runs],
    }


def lines(result: dict[str, Any]) -> Iterable[str]:
    """The result for a terminal."""
    yield f"base: {result['base']}"
    for point in result["points"]:
        yield (
            f"{point['axis']:<11}{point['value']:>10,}{point['scored_per_s']:>12,} records/s"
            f"{point['ratio_to_base']:>8.2f} x base{point['rss_mb_max']:>8.0f} MB"
        )


def _measure(on: Stage, setup: Setup, records: int) -> Speed:
    with on.load(records, setup.keys, setup.partitions) as load:
        return on.measure(load, SCORING, setup.consumers, PREDICTION_BATCH=setup.batch)
