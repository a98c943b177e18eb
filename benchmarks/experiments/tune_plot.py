"""The picture of `lab experiment tune`: throughput and latency against requests in flight, a line a size of request."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

MUTED, DEFAULT = "#5c6670", "#d62728"
Point = dict[str, Any]


def draw(result: dict[str, Any]) -> bytes:
    """PNG of the result of `tune.run`."""
    figure = Figure(figsize=(12, 5.4), layout="constrained")
    throughput, latency = figure.subplots(1, 2)
    sizes = sorted({point["size"] for point in result["points"]})
    colours = mpl.colormaps["viridis_r"].resampled(len(sizes) + 1)
    for number, size in enumerate(sizes, 1):
        points = [point for point in result["points"] if point["size"] == size]
        shared = {"color": colours(number), "marker": "o", "ms": 5, "lw": 1.8, "label": f"{size:,} events a request"}
        throughput.plot(_of(points, "in_flight"), [rate / 1e3 for rate in _of(points, "events_per_s")], **shared)
        latency.plot(_of(points, "in_flight"), _of(points, "p50_ms"), **shared)
        latency.plot(_of(points, "in_flight"), _of(points, "p99_ms"), color=colours(number), lw=1, ls=":")
    _mark(throughput, latency, result)
    throughput.set_title("Throughput, thousand events/s durable", fontsize=11.5, loc="left")
    throughput.set_ylim(bottom=0)
    latency.set_title(
        "Time until a micro-batch is durable, ms (dotted: 99th percentile)", fontsize=11.5,
        loc="left",
    )  # fmt: skip
    latency.set_ylim(bottom=0)
    throughput.legend(frameon=False, fontsize=9.5, loc="lower right")
    for panel in (throughput, latency):
        _frame(panel, sorted({point["in_flight"] for point in result["points"]}))
    figure.suptitle(f"Requests of the {result['store']} store: how large, how many at once", fontsize=15,
                    fontweight="bold")  # fmt: skip
    runs = f"{result['rounds']} runs of {result['seconds_a_point']:g} s a point, the fastest shown"
    figure.supxlabel(
        f"One Cassandra node and one writer on one machine, micro-batches of {result['batch']:,} events; {runs}; "
        "red ring: the default.", fontsize=9.5, color=MUTED,
    )  # fmt: skip
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _mark(throughput: Axes, latency: Axes, result: dict[str, Any]) -> None:
    default = result["default"]
    for point in result["points"]:
        if (point["size"], point["in_flight"]) == (default["size"], default["in_flight"]):
            ring: dict[str, Any] = {"ms": 13, "mfc": "none", "mec": DEFAULT, "mew": 1.8}
            throughput.plot(point["in_flight"], point["events_per_s"] / 1e3, "o", **ring)
            latency.plot(point["in_flight"], point["p50_ms"], "o", **ring)


def _of(points: list[Point], name: str) -> list[Any]:
    return [point[name] for point in points]


def _frame(panel: Axes, in_flight: list[int]) -> None:
    panel.set_xscale("log", base=2)
    panel.set_xticks(in_flight, [str(number) for number in in_flight])
    panel.set_xlabel("requests in flight")
    panel.grid(axis="y", color="#e3e7eb", lw=0.8)
    panel.spines[["top", "right"]].set_visible(False)
