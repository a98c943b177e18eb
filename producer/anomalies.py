"""The anomalies of the generator: what kinds there are, where they lie, and what each does to the metrics.

Positions are row numbers of the grid. The span is cut at 60 %, as training does: the first part gets some kinds, the
last part every kind once, each in a slot of its own, so that no two touch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Columns = dict[str, Column]

CPU_SATURATED = 97.0  # %
CPU_IDLE = 3.5  # %
TRAIN_SLOTS = 3
TRAIN_PART = (0.08, 0.58)
TEST_PART = (0.62, 0.98)
MARGIN = 0.1  # of a slot, free at either end
WINDOW_PAD = 6  # rows (30 minutes): a labelled window opens so much before the anomaly and closes after it


@dataclass(frozen=True)
class Anomaly:
    """One anomaly: its kind, the metrics that show it, its first and last row, and its labelled window's."""

    kind: str
    metrics: tuple[str, ...]
    first: int
    last: int
    window: tuple[int, int]

    @property
    def rows(self) -> slice:
        """The rows that it changes."""
        return slice(self.first, self.last + 1)


@dataclass(frozen=True)
class Kind:
    """`rows` is the longest extent; `shape` changes the columns of the extent in place."""

    rows: int
    metrics: tuple[str, ...]
    shape: Callable[[Columns, np.random.Generator], None]


def _spike(part: Columns, _rng: np.random.Generator) -> None:
    """CPU x + (97 - x) · s, s falling from 1 to 0.5: a run-away process."""
    cpu = part["cpu"]
    cpu += (CPU_SATURATED - cpu) * np.linspace(1.0, 0.5, len(cpu))


def _drop(part: Columns, rng: np.random.Generator) -> None:
    """Network at 2 % of itself, CPU idle: clients no longer get through."""
    part["network"] *= 0.02
    part["cpu"][:] = CPU_IDLE * np.exp(0.05 * rng.standard_normal(len(part["cpu"])))


def _level_shift(part: Columns, _rng: np.random.Generator) -> None:
    """Disk 4 x + 6 MB: debug logging left on."""
    part["disk"] *= 4.0
    part["disk"] += 6e6


def _memory_leak(part: Columns, rng: np.random.Generator) -> None:
    """CPU x + (97 - x) r² e^(0.05 z) (collecting garbage), disk x + 50 MB · r³ e^(0.2 z) (swapping); then a restart.

    The ramp r rises from 0 to 1.
    """
    ramp = np.linspace(0.0, 1.0, len(part["cpu"]))
    part["cpu"] += (CPU_SATURATED - part["cpu"]) * ramp**2 * np.exp(0.05 * rng.standard_normal(len(ramp)))
    part["disk"] += 5e7 * ramp**3 * np.exp(0.2 * rng.standard_normal(len(ramp)))


def _flat_line(part: Columns, _rng: np.random.Generator) -> None:
    """The first value, again and again: the agent repeats itself."""
    part["cpu"][:] = part["cpu"][0]


def _traffic_flood(part: Columns, rng: np.random.Generator) -> None:
    """Network 6 x + 15 MB · e^(0.15 z), rising within two samples; CPU x + 0.6 (97 - x) e^(0.05 z)."""
    rise = np.minimum(1.0, np.arange(1, len(part["cpu"]) + 1) / 3)
    flood = 1.5e7 * np.exp(0.15 * rng.standard_normal(len(rise)))
    part["network"] += rise * (5.0 * part["network"] + flood)
    part["cpu"] += rise * 0.6 * (CPU_SATURATED - part["cpu"]) * np.exp(0.05 * rng.standard_normal(len(rise)))


KINDS = {
    "spike": Kind(4, ("cpu",), _spike),
    "drop": Kind(12, ("cpu", "network"), _drop),
    "level_shift": Kind(120, ("disk",), _level_shift),
    "memory_leak": Kind(144, ("cpu", "disk"), _memory_leak),
    "flat_line": Kind(60, ("cpu",), _flat_line),
    "traffic_flood": Kind(18, ("cpu", "network"), _traffic_flood),
}


def plan(rng: np.random.Generator, n: int) -> tuple[Anomaly, ...]:
    """Where the anomalies of a span of `n` rows lie, in order of time."""
    early = rng.permutation(list(KINDS))[:TRAIN_SLOTS]
    late = rng.permutation(list(KINDS))
    return tuple(_part(rng, n, TRAIN_PART, early) + _part(rng, n, TEST_PART, late))


def apply(anomalies: tuple[Anomaly, ...], columns: Columns, rng: np.random.Generator) -> None:
    """Change the columns in place."""
    for anomaly in anomalies:
        KINDS[anomaly.kind].shape({name: column[anomaly.rows] for name, column in columns.items()}, rng)


def _part(rng: np.random.Generator, n: int, part: tuple[float, float], kinds: NDArray[np.str_]) -> list[Anomaly]:
    edges = np.linspace(part[0] * n, part[1] * n, len(kinds) + 1).astype(int)
    slots = zip(kinds, edges[:-1], edges[1:], strict=True)
    return [_in_slot(rng, str(kind), int(start), int(end)) for kind, start, end in slots]


def _in_slot(rng: np.random.Generator, name: str, start: int, end: int) -> Anomaly:
    kind = KINDS[name]
    margin = max(1, int(MARGIN * (end - start)))
    rows = min(kind.rows, (end - start) - 2 * margin)
    first = int(rng.integers(start + margin, end - margin - rows + 1))
    last = first + rows - 1
    pad = min(WINDOW_PAD, margin - 1)
    return Anomaly(name, kind.metrics, first, last, (first - pad, last + pad))
