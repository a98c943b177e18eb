"""The picture of `lab experiment outage`: the map of alarms, and the cell that dropped with its neighbours."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from h3.api import basic_int as h3
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from benchmarks.experiments.outage import placed
from detectors.cusum import THRESHOLD
from producer.event_places import Places

QUIET, MUTED, FOUND = "#cfd6dc", "#5c6670", "#d62728"
COLOURS = "YlOrRd"
RINGS = 2  # of neighbours in the second panel
Float64s = npt.NDArray[np.float64]


def draw(result: dict[str, Any]) -> bytes:
    """PNG of the result of `outage.run`."""
    figure = Figure(figsize=(12, 5.6), layout="constrained")
    whole, near = figure.subplots(1, 2, width_ratios=[1.25, 1])
    where, scores = placed(result), {h3.str_to_int(cell): score for cell, score in result["drawn"]["scores"].items()}
    shades = Normalize(THRESHOLD, max([1.0, *scores.values()]))
    _map(whole, where, scores, shades, result)
    drawn = _near(near, where, scores, shades, result)
    figure.colorbar(drawn, ax=near, label="strongest score while it lasted; grey: no alarm", shrink=0.85)
    outage, found = result["outage"], result["by_cell"]["found_after_ms"]
    title = f"An outage of {outage['devices']} devices among {result['devices']:,}"
    title += f", found {found / 1000:.2f} s after it began" if found is not None else ", not found"
    figure.suptitle(title, fontsize=15, fontweight="bold")
    alarms = result["by_device"]["alarms_in_the_outage"]
    conditions = (
        f"{result['rate_per_s']:,} events/s, each checked against the last 50 of its H3 cell (resolution "
        f"{result['resolution']}, {result['cells']:,} cells).\n"
        f"Alarms in that cell when the same events are checked against the last 50 of their device: {alarms}."
    )
    figure.supxlabel(conditions, fontsize=9.5, color=MUTED)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _map(panel: Axes, where: Places, scores: dict[int, float], shades: Normalize, result: dict[str, Any]) -> None:
    cells = np.unique(where.cells).tolist()
    quiet = _centres([cell for cell in cells if cell not in scores])
    panel.scatter(quiet[:, 1], quiet[:, 0], s=4, color=QUIET, linewidths=0, label="cells")
    loud = sorted(scores, key=lambda cell: scores[cell])
    at, strength = _centres(loud), np.asarray([scores[cell] for cell in loud])
    sizes = 8 + 90 * (strength - THRESHOLD)
    panel.scatter(at[:, 1], at[:, 0], s=sizes, c=strength, cmap=COLOURS, norm=shades, edgecolors=MUTED, linewidths=0.4)
    outage = result["outage"]
    panel.plot(outage["longitude"], outage["latitude"], "o", ms=16, mfc="none", mec=FOUND, mew=1.8)
    panel.annotate(
        "the outage", (outage["longitude"], outage["latitude"]), xytext=(12, 10), textcoords="offset points",
        color=FOUND, fontsize=10.5, fontweight="bold",
    )  # fmt: skip
    _frame(panel, "All cells", float(np.mean(where.latitudes)))


def _near(
    panel: Axes, where: Places, scores: dict[int, float], shades: Normalize, result: dict[str, Any]
) -> PolyCollection:
    middle = h3.str_to_int(result["outage"]["cell"])
    cells = [cell for cell in h3.grid_disk(middle, RINGS) if (where.cells == cell).any()]
    borders = [np.asarray(h3.cell_to_boundary(cell))[:, ::-1] for cell in cells]
    strength = np.ma.masked_invalid([scores.get(cell, np.nan) for cell in cells])
    drawn = PolyCollection(borders, array=strength, cmap=COLOURS, norm=shades, edgecolors="white", linewidths=1.2)
    drawn.cmap.set_bad(QUIET)
    panel.add_collection(drawn)
    panel.add_collection(PolyCollection([borders[cells.index(middle)]], facecolors="none", edgecolors=FOUND, lw=2.2))
    inside = np.isin(where.cells, cells)
    panel.plot(where.longitudes[inside], where.latitudes[inside], "o", ms=3, color="#1f4e79", mew=0)
    panel.autoscale_view()
    _frame(panel, "The cell that dropped, its neighbours, their devices", result["outage"]["latitude"])
    return drawn


def _centres(cells: list[int]) -> Float64s:
    """Shape (n, 2): latitude and longitude."""
    return np.asarray([h3.cell_to_latlng(cell) for cell in cells], np.float64).reshape(-1, 2)


def _frame(panel: Axes, title: str, latitude: float) -> None:
    panel.set_title(title, fontsize=11.5, loc="left")
    panel.set_aspect(1 / np.cos(np.radians(latitude)))
    panel.set_xlabel("degrees east")
    panel.set_ylabel("degrees north")
    panel.spines[["top", "right"]].set_visible(False)
