"""The evaluation plot: one panel a metric over the test part and one for the score.

Alarms are red lines, labelled windows are shaded, the split is marked.
"""

from __future__ import annotations

import io

import matplotlib.dates as mdates
import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, Formatter, FuncFormatter

from consumer_training.evaluate import Evaluation, LabelledWindows, Labels, Scored
from consumer_training.rows import Rows
from detectors.model import Model

LEAD_IN = 0.15  # of the test part's length: how much of the training part stands before the split
PIXEL_COLUMNS = 1_200
LINE, ALARM, WINDOW, MUTED = "#1f4e79", "#d62728", "#f2b134", "#9aa5b1"

Dates = npt.NDArray[np.datetime64]


def draw(
    model: Model,
    training: Rows,
    scored: Scored,
    evaluation: Evaluation,
    labels: Labels,
) -> bytes:
    """The plot as PNG. `training` and the scored test part are in event-time order; neither is empty."""
    windows = labels.windows or {}
    figure = Figure(figsize=(13, 2.3 * (len(model.metrics) + 1) + 1), layout="constrained")
    panels = figure.subplots(len(model.metrics) + 1, 1, sharex=True)
    lead_in = _lead_in(training, scored.rows)
    for column, (panel, metric) in enumerate(zip(panels, model.metrics, strict=False)):
        _line(panel, lead_in.times_ms, lead_in.values[:, column], MUTED)
        _line(panel, scored.rows.times_ms, scored.rows.values[:, column], LINE)
        _shade(panel, windows.get(metric, []), scored.rows, "labelled window")
        _y_axis(panel, metric, labels.units.get(metric, ""))
    _score_panel(panels[-1], model, lead_in, scored, windows)
    for panel in panels:
        _mark(panel, training, scored)
    _legend_and_title(figure, model, evaluation)
    panels[-1].xaxis.set_major_formatter(_readable_dates(panels[-1]))
    panels[-1].set_xlabel("event time, UTC")
    panels[-1].set_xlim(_dates(lead_in.times_ms[:1])[0], _dates(scored.rows.times_ms[-1:])[0])
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _score_panel(panel: Axes, model: Model, lead_in: Rows, scored: Scored, windows: LabelledWindows) -> None:
    _line(panel, lead_in.times_ms, model.score(lead_in.times_ms, lead_in.values), MUTED)
    _line(panel, scored.rows.times_ms, scored.scores, LINE)
    panel.axhline(model.threshold, color=ALARM, linewidth=1, linestyle=":", label="threshold")
    for metric_windows in windows.values():
        _shade(panel, metric_windows, scored.rows, "labelled window")
    panel.set_ylabel("score\n(1 = strange)")


def _lead_in(training: Rows, test: Rows) -> Rows:
    length_ms = int(LEAD_IN * (test.times_ms[-1] - test.times_ms[0]))
    return training[int(np.searchsorted(training.times_ms, test.times_ms[0] - length_ms)) :] or training[-1:]


def _line(panel: Axes, times_ms: npt.NDArray[np.int64], values: npt.NDArray[np.float64], colour: str) -> None:
    kept = thinned(values)
    panel.plot(_dates(times_ms)[kept], values[kept], color=colour, linewidth=0.9)


def thinned(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Indices, ascending, of the lowest and highest value of each pixel column: no spike vanishes."""
    if len(values) <= 2 * PIXEL_COLUMNS:
        return np.arange(len(values))
    kept = set()
    for chunk in np.array_split(np.arange(len(values)), PIXEL_COLUMNS):
        kept.add(int(chunk[values[chunk].argmin()]))
        kept.add(int(chunk[values[chunk].argmax()]))
    return np.asarray(sorted(kept), dtype=np.int64)


def _shade(panel: Axes, windows: list[tuple[int, int]], test: Rows, label: str) -> None:
    for start, end in windows:
        if end >= test.times_ms[0] and start <= test.times_ms[-1]:
            first, last = _dates(np.asarray([start, end]))
            panel.axvspan(first, last, color=WINDOW, alpha=0.25, linewidth=0, label=label)


def _mark(panel: Axes, training: Rows, scored: Scored) -> None:
    for instant in _dates(scored.rows.times_ms[scored.alarms]):
        panel.axvline(instant, color=ALARM, linewidth=0.8, alpha=0.55, label="anomaly")
    panel.axvline(
        _dates(training.times_ms[-1:])[0], color="black", linewidth=1.2, linestyle="--", label="training | test"
    )
    panel.grid(visible=True, color="#e3e7eb", linewidth=0.6)
    panel.set_axisbelow(True)


def _y_axis(panel: Axes, metric: str, unit: str) -> None:
    if unit == "bytes":
        panel.yaxis.set_major_formatter(EngFormatter(unit="B"))
    elif unit == "%":
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    panel.set_ylabel(metric if unit in ("bytes", "%", "") else f"{metric}\n({unit})")


def _legend_and_title(figure: Figure, model: Model, evaluation: Evaluation) -> None:
    handles: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(str(label), handle)
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=len(handles), frameon=False)
    title = f"{evaluation.rows:,} test records, {evaluation.alerts} anomalies ({evaluation.alert_rate:.1%})"
    if evaluation.windows is not None:
        title += f"; labelled windows found {evaluation.found} of {len(evaluation.windows)}"
        title += f", {evaluation.false_alarms} anomalies outside"
    figure.suptitle(f"{title}\nIsolation Forest on {', '.join(model.features)}; model {model.version}", fontsize=11)


def _readable_dates(panel: Axes) -> Formatter:
    formatter: Formatter = mdates.ConciseDateFormatter(panel.xaxis.get_major_locator())  # type: ignore[no-untyped-call]
    return formatter


def _dates(times_ms: npt.NDArray[np.int64]) -> Dates:
    return times_ms.astype("datetime64[ms]")
