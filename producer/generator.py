"""CloudWatch-like CPU, network and disk series with labelled anomalies, for when there are no real ones.

One sample every 300 s from START on (a Monday, UTC). With z standard normal, all per sample:

- load   L = (0.2 + 0.8 d) · w · e^a: d in [0, 1] the daily cycle (lowest at 04:00, highest in the afternoon, a dip at
  noon), w the weekly one (1 on working days, near 0.55 on Sundays), a wandering slowly (AR(1), keep 0.98);
- burst  b = Pareto-sized (tail exponent 1.8) impulses, five a day, that die away within minutes;
- cpu    6 + 46 L · e^(0.07 z) + 4 b, in %, within [0, 100];
- network 2.6e6 · L^1.2 · e^(0.18 z) + 9e5 b, in bytes: it shares load and bursts with the CPU;
- disk   3e5 + 1.1e6 · L · e^(0.35 z) + 3e6 b' + the nightly backup, in bytes, with bursts b' of its own.

Noise is multiplied, so it scales with the level. The same seed and number of days give byte-identical files.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from producer.anomalies import Anomaly, Column, Columns, apply, plan
from producer.series import instant

START = np.datetime64("2024-01-01T00:00:00", "ms")
STEP_S = 300
A_DAY = 86_400 // STEP_S
FOLDER = "generated"
UNITS = {"network": "bytes", "disk": "bytes", "cpu": "%"}
DECIMALS = {"bytes": 1, "%": 3}  # written so, whatever the value
BURSTS_A_DAY = 5
BACKUP_HOURS = (2.0, 2.5)
LARGEST_BURST = 9.0  # times the smallest; a day's traffic does not fit into five minutes


@dataclass(frozen=True, eq=False)
class Generated:
    """The series, by metric in record order, on one grid, and their anomalies in order of time."""

    times_ms: NDArray[np.int64]
    values: Columns
    anomalies: tuple[Anomaly, ...]


def generate(seed: int, days: int) -> Generated:
    """Make `days` days of data. `days` is at least 3, so that every kind of anomaly has room."""
    rng = np.random.default_rng(seed)
    n = days * A_DAY
    hours: Column = np.arange(n, dtype=np.float64) * (STEP_S / 3600)
    load = _load(hours, rng)
    bursts = _bursts(n, rng)
    columns = {
        "network": 2.6e6 * load**1.2 * _noise(n, 0.18, rng) + 9e5 * bursts,
        "disk": 3e5 + 1.1e6 * load * _noise(n, 0.35, rng) + 3e6 * _bursts(n, rng) + _backup(hours, rng),
        "cpu": 6.0 + 46.0 * load * _noise(n, 0.07, rng) + 4.0 * bursts,
    }
    columns["cpu"] = np.minimum(columns["cpu"], 95.0)  # the anomalies, not the bursts, saturate it
    anomalies = plan(rng, n)
    apply(anomalies, columns, rng)
    times_ms = START.astype(np.int64) + np.arange(n, dtype=np.int64) * (STEP_S * 1000)
    return Generated(times_ms, {name: _as_measured(name, column) for name, column in columns.items()}, anomalies)


def files(generated: Generated) -> dict[str, bytes]:
    """The data set in NAB's layout, content by relative path: the CSV files and their labels.

    `labels/combined_windows.json` and `labels/combined_labels.json` (the first instants) are NAB's; next to them
    `labels/kinds.json` names the kind of each window, in the same order.
    """
    made = {f"data/{series(name)}": _csv(generated, name) for name in generated.values}
    windows: dict[str, list[list[str]]] = {}
    firsts: dict[str, list[str]] = {}
    kinds: dict[str, list[str]] = {}
    for name in generated.values:
        shown = [anomaly for anomaly in generated.anomalies if name in anomaly.metrics]
        windows[series(name)] = [[_at(generated, row) + ".000000" for row in its.window] for its in shown]
        firsts[series(name)] = [_at(generated, its.first) for its in shown]
        kinds[series(name)] = [its.kind for its in shown]
    labels = {"combined_windows": windows, "combined_labels": firsts, "kinds": kinds}
    return made | {f"labels/{name}.json": as_json(content) for name, content in labels.items()}


def series(metric: str) -> str:
    """The path of a generated series, and the key of its labels."""
    return f"{FOLDER}/{metric}.csv"


def as_json(content: object) -> bytes:
    """JSON for people: indented, ending in a line end."""
    return (json.dumps(content, indent=1) + "\n").encode()


def _load(hours: Column, rng: np.random.Generator) -> Column:
    daily = 0.5 - 0.5 * np.cos(2 * np.pi * (hours - 4) / 24) - 0.12 * np.exp(-(((hours % 24) - 12.5) ** 2))
    # The weekly factor at noon of each day, Monday first, and in between on a straight line.
    noons = np.array([1.0, 1.03, 1.05, 1.02, 0.97, 0.62, 0.55])
    weekly = np.interp(hours, 12 + 24 * np.arange(7), noons, period=7 * 24)
    wander = 0.012 * _dying_away(rng.standard_normal(len(hours)), keep=0.98)
    return np.asarray((0.2 + 0.8 * np.maximum(daily, 0.0)) * weekly * np.exp(wander))


def _bursts(n: int, rng: np.random.Generator) -> Column:
    hits = rng.random(n) < BURSTS_A_DAY / A_DAY
    sizes = np.minimum(1.0 + rng.pareto(1.8, n), LARGEST_BURST)
    return _dying_away(np.where(hits, sizes, 0.0), keep=0.45)


def _backup(hours: Column, rng: np.random.Generator) -> Column:
    """Bytes, every night at the same time."""
    running = (hours % 24 >= BACKUP_HOURS[0]) & (hours % 24 < BACKUP_HOURS[1])
    return np.where(running, 1.2e7 * _noise(len(hours), 0.1, rng), 0.0)


def _noise(n: int, spread: float, rng: np.random.Generator) -> Column:
    """Log-normal factors around 1: noise that scales with the level."""
    return np.exp(spread * rng.standard_normal(n))


def _dying_away(impulses: Column, keep: float) -> Column:
    """Shape (n,): y[t] = keep · y[t-1] + impulses[t]; as a convolution, cut where a millionth is left."""
    kernel = np.full(int(math.log(1e-6) / math.log(keep)), keep).cumprod() / keep
    return np.asarray(np.convolve(impulses, kernel), dtype=np.float64)[: len(impulses)]


def _as_measured(name: str, column: Column) -> Column:
    """Whole bytes, thousandths of a per cent; nothing below 0, nothing above 100 %."""
    if UNITS[name] == "bytes":
        return np.rint(np.maximum(column, 0.0))
    return np.rint(np.clip(column, 0.0, 100.0) * 1000) / 1000


def _csv(generated: Generated, name: str) -> bytes:
    stamps = np.datetime_as_string(generated.times_ms.astype("datetime64[ms]"), unit="s")
    rows = zip(stamps.tolist(), generated.values[name].tolist(), strict=True)
    lines = [f"{stamp.replace('T', ' ')},{value:.{DECIMALS[UNITS[name]]}f}\n" for stamp, value in rows]
    return ("timestamp,value\n" + "".join(lines)).encode()


def _at(generated: Generated, row: int) -> str:
    return instant(int(generated.times_ms[row]))
