"""The picture of `lab experiment tradeoff`: both errors against contamination, and against each other by detector."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from benchmarks.experiments.tradeoff import least_missed

FALSE, MISSED, WHOLE, MUTED = "#d62728", "#1f4e79", "#8fb1d3", "#5c6670"
LINEAR = 0.1  # false alarms a week: below it the axis is linear and has a 0


def draw(told: dict[str, Any]) -> bytes:
    """PNG of the result of `tradeoff.run`."""
    figure = Figure(figsize=(14.5, 5.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    _contamination(left, told)
    _thresholds(right, told)
    for panel in (left, right):
        panel.grid(color="#e3e7eb", linewidth=0.8)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle("False alarms against misses", fontsize=15, fontweight="bold")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _contamination(panel: Axes, told: dict[str, Any]) -> None:
    points = told["contamination"]
    at = [point["contamination"] for point in points]
    panel.plot(at, [point["type_1"] for point in points], "o-", color=FALSE, label="type I: normal records called")
    panel.plot(at, [point["type_2"] for point in points], "o-", color=MISSED, label="type II: anomalous records missed")
    panel.plot(
        at, [point["anomalies_missed"] for point in points], "o--", color=WHOLE, label="anomalies with no record called"
    )
    panel.set_xscale("log")
    panel.set_xticks(at, [f"{each:g}" for each in at])
    panel.minorticks_off()
    panel.set_ylim(-0.02, 1.02)
    panel.yaxis.set_major_formatter(PercentFormatter(1.0))
    panel.set_xlabel("contamination: share of the training part above the threshold")
    panel.set_title(
        f"Isolation forest, {told['worlds']} generated data sets of {told['days']} days", fontsize=11.5, loc="left"
    )
    panel.legend(frameon=False, fontsize=9.5)


def _thresholds(panel: Axes, told: dict[str, Any]) -> None:
    most = max(point["false_alarms_per_week"] for points in told["detectors"].values() for point in points)
    for name, (configured, *points) in told["detectors"].items():
        at = sorted({0.0, *(point["false_alarms_per_week"] for point in points), most})
        missed = [least_missed(points, each) for each in at]
        (line,) = panel.plot(at, missed, drawstyle="steps-post", linewidth=1.8, label=name)
        panel.plot(
            configured["false_alarms_per_week"], configured["anomalies_missed"], "o", markersize=10,
            color=line.get_color(), zorder=5, clip_on=False,
        )  # fmt: skip
    panel.set_xscale("symlog", linthresh=LINEAR)
    panel.set_xlim(left=0)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _at: f"{value:g}"))
    panel.set_ylim(-0.02, 1.02)
    panel.yaxis.set_major_formatter(PercentFormatter(1.0))
    panel.set_xlabel("at most so many false alarms a week of a calm series")
    panel.set_ylabel("anomalies missed at the best such threshold")
    title = f"Thresholds, {told['series']} series of each of {told['kinds']} kinds; dots: as configured"
    panel.set_title(title, fontsize=11.5, loc="left")
    panel.legend(frameon=False, fontsize=9.5, loc="upper left", bbox_to_anchor=(1.01, 1.0))
