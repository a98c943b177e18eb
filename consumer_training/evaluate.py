"""Evaluation: what the model does on the test part, against the labelled windows where there are any."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from consumer_training.rows import Rows
from detectors.features import Float64s
from detectors.model import Bools, Model
from kafka_cluster.dataset import Window

LabelledWindows = dict[str, list[Window]]  # by metric


@dataclass(frozen=True)
class Labels:
    """What is known about the data besides the records."""

    windows: LabelledWindows | None  # None: the data has no labels
    units: dict[str, str]  # by metric


@dataclass(frozen=True)
class WindowResult:
    """One labelled window that overlaps the test part."""

    metric: str
    start_ms: int
    end_ms: int
    found: bool
    delay_s: float | None  # from the start of the window to its first alarm


@dataclass(frozen=True)
class Evaluation:
    """Counts of records and windows over the test part. Without labels the last four are None."""

    rows: int
    from_ms: int | None
    to_ms: int | None
    alerts: int
    alert_rate: float  # alerts / rows
    windows: list[WindowResult] | None
    found: int | None
    missed: int | None
    false_alarms: int | None  # alerts outside every window
    median_delay_s: float | None

    def to_json(self) -> dict[str, Any]:
        """The content of evaluation.json."""
        return asdict(self)


@dataclass(frozen=True)
class Scored:
    """The test part with its scores and alarms."""

    rows: Rows
    scores: Float64s
    alarms: Bools


def score_rows(model: Model, rows: Rows) -> Scored:
    """Score the rows and decide."""
    scores = model.score(rows.times_ms, rows.values)
    return Scored(rows, scores, model.alarms(scores))


def evaluate(scored: Scored, windows: LabelledWindows | None) -> Evaluation:
    """Hold the alarms of the test part against `windows` (None: no labels are known)."""
    times, alarmed = scored.rows.times_ms, scored.rows.times_ms[scored.alarms]
    results = None if windows is None else _window_results(times, alarmed, windows)
    delays = [result.delay_s for result in results or [] if result.delay_s is not None]
    return Evaluation(
        rows=len(times),
        from_ms=int(times[0]) if len(times) else None,
        to_ms=int(times[-1]) if len(times) else None,
        alerts=len(alarmed),
        alert_rate=len(alarmed) / len(times) if len(times) else 0.0,
        windows=results,
        found=None if results is None else sum(result.found for result in results),
        missed=None if results is None else sum(not result.found for result in results),
        false_alarms=None if windows is None else int((~inside_windows(alarmed, windows)).sum()),
        median_delay_s=median(delays) if delays else None,
    )


def inside_windows(times_ms: np.ndarray[Any, np.dtype[np.int64]], windows: LabelledWindows) -> Bools:
    """Shape (n,): which instants lie in a window of any metric, ends included."""
    inside = np.zeros(len(times_ms), dtype=np.bool_)
    for metric_windows in windows.values():
        for start, end in metric_windows:
            inside |= (times_ms >= start) & (times_ms <= end)
    return inside


def _window_results(times: Any, alarmed: Any, windows: LabelledWindows) -> list[WindowResult]:
    results = []
    for metric, metric_windows in windows.items():
        for start, end in metric_windows:
            if len(times) == 0 or end < times[0] or start > times[-1]:
                continue  # not in the test part
            hits = alarmed[(alarmed >= start) & (alarmed <= end)]
            delay = (float(hits[0]) - start) / 1000 if len(hits) else None
            results.append(WindowResult(metric, start, end, bool(len(hits)), delay))
    return results
