"""One picture a series: the values, what each detector said of them, where it alarmed, and the labelled windows."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib.dates as mdates
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from benchmarks.scorecard.run import Labelled, Said
from consumer_training.plot import thinned
from detectors.nab_score import Truth

Dates = npt.NDArray[np.datetime64]
LINE, SCORE, FOUND, FALSE, WINDOW, MUTED = "#1f4e79", "#5c6670", "#2a8f4f", "#d62728", "#f2b134", "#9aa5b1"
TALL, LOW = 2.4, 1.5  # inches: of the values, of a detector
LARGE = 10_000.0  # from here on values are written with k, M or G


def draw(said: Sequence[Said], labelled: Labelled, number: int) -> bytes:
    """PNG of one series. Grey: probation; shaded: windows; alarms: green within a window, red outside."""
    series, truth = labelled.series[number], labelled.truths[number]
    figure = Figure(figsize=(13, TALL + LOW * len(said) + 0.6), layout="constrained")
    heights = [TALL, *[LOW] * len(said)]
    panels = figure.subplots(1 + len(said), 1, sharex=True, height_ratios=heights)
    times = series.times_ms.astype("datetime64[ms]")
    kept = thinned(series.values)
    panels[0].plot(times[kept], series.values[kept], color=LINE, linewidth=0.9)
    if np.abs(series.values).max() >= LARGE:
        panels[0].yaxis.set_major_formatter(EngFormatter())
    windows = "1 labelled window" if truth.windows == 1 else f"{truth.windows} labelled windows"
    title = f"{series.key}: {len(times):,} records, {windows}"
    panels[0].set_title(title, fontsize=11, loc="left")
    for panel, each in zip(panels[1:], said, strict=True):
        _detector(panel, times, each, number, truth)
    for panel in panels:
        _ground(panel, times, truth)
    formatter = mdates.ConciseDateFormatter(panels[-1].xaxis.get_major_locator())  # type: ignore[no-untyped-call]
    panels[-1].xaxis.set_major_formatter(formatter)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=90)
    return stream.getvalue()


def _detector(panel: Axes, times: Dates, said: Said, number: int, truth: Truth) -> None:
    scores, alarms = said.scores[number], said.alarms[number]
    kept = thinned(scores)
    panel.plot(times[kept], scores[kept], color=SCORE, linewidth=0.8)
    panel.axhline(said.decision.threshold, color=MUTED, linewidth=0.8, linestyle=":")
    for row in np.flatnonzero(alarms):
        panel.axvline(times[row], color=FOUND if truth.window[row] >= 0 else FALSE, linewidth=1.5)
    panel.set_ylim(0, max(1.0, float(scores.max(initial=0.0))))
    panel.set_ylabel(said.name, fontsize=9)


def _ground(panel: Axes, times: Dates, truth: Truth) -> None:
    for window in range(truth.windows):
        rows = np.flatnonzero(truth.window == window)
        if len(rows):
            panel.axvspan(times[rows[0]], times[rows[-1]], color=WINDOW, alpha=0.3, linewidth=0)
    if truth.probation:
        panel.axvspan(times[0], times[truth.probation], color=MUTED, alpha=0.25, linewidth=0)
    panel.grid(color="#e3e7eb", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_xlim(times[0], times[-1])
