"""The picture of `lab bench scaling`: four panels of throughput on one scale from zero."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

LINE, RUN, BASE, MUTED = "#1f4e79", "#8fb1d3", "#d62728", "#5c6670"
TITLES = {"consumers": "Consumers", "partitions": "Partitions", "keys": "Different keys", "batch": "Records a batch"}
HEADROOM = 1.18  # for the ratios above the points
Point = dict[str, Any]


def draw(result: dict[str, Any]) -> bytes:
    """PNG of the result of `scaling.run`."""
    figure = Figure(figsize=(12, 8.2), layout="constrained")
    panels = figure.subplots(2, 2, sharey=True).flat
    highest = max(max(point["runs"]) for point in result["points"]) / 1e6
    for panel, (axis, title) in zip(panels, TITLES.items(), strict=True):
        _panel(panel, title, [point for point in result["points"] if point["axis"] == axis])
        panel.set_ylim(0, highest * HEADROOM)
    for row in figure.axes[::2]:
        row.set_ylabel("million records/s")
    figure.suptitle("Records scored and committed a second", fontsize=15, fontweight="bold")
    figure.supxlabel(_conditions(result), fontsize=9.5, color=MUTED)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _panel(panel: Axes, title: str, points: list[Point]) -> None:
    """Values evenly spaced, whatever lies between them: what is asked is which differ, not along which curve."""
    best = [point["scored_per_s"] / 1e6 for point in points]
    panel.plot(range(len(points)), best, color=LINE, linewidth=1.8, zorder=2)
    for at, point in enumerate(points):
        runs = [run / 1e6 for run in point["runs"]]
        is_base = point["ratio_to_base"] == 1
        panel.plot([at] * len(runs), runs, "o", color=RUN, markersize=5, zorder=1)
        panel.plot([at], best[at : at + 1], "o", color=BASE if is_base else LINE, markersize=8, zorder=3)
        label = "base" if is_base else f"{point['ratio_to_base']:.2f}×"  # noqa: RUF001 - the sign for times
        panel.annotate(
            f"{best[at]:.2f}\n{label}", (at, max(runs)), xytext=(0, 7), textcoords="offset points", ha="center",
            fontsize=9.5, color=BASE if is_base else "black",
        )  # fmt: skip
    panel.set_title(title, fontsize=11.5, loc="left")
    panel.set_xticks(range(len(points)), [f"{point['value']:,}" for point in points])
    panel.set_xlim(-0.5, len(points) - 0.5)
    panel.grid(axis="y", color="#e3e7eb", linewidth=0.8)
    panel.spines[["top", "right"]].set_visible(False)


def _conditions(result: dict[str, Any]) -> str:
    return (
        f"Base (red): {result['base']}. One thing is changed at a time; ratios are to the base.\n"
        f"{result['records']:,} records a run, {result['rounds']} runs each, the fastest dark; transactions on, "
        f"2 % anomalies; {result['cores']} cores, the broker on them too."
    )
