"""The picture of `lab experiment spike`: rates, lag and the share of checks over time."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ARRIVED, PROCESSED, LAG, SHED, MUTED, SPIKE = "#d62728", "#1f4e79", "#8c6bb1", "#e08214", "#5c6670", "#fbe9e7"


def draw(result: dict[str, Any]) -> bytes:
    """PNG of the result of `spike.run`."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    speed, waiting, shed = figure.subplots(3, 1, sharex=True, height_ratios=[1.5, 1, 0.8])
    drawn = result["drawn"]
    at = np.asarray([sample["at_s"] for sample in drawn["samples"]]) - drawn["began_s"]
    speed.plot(at, np.asarray(drawn["arrivals_per_s"]) / 1e3, color=ARRIVED, lw=1.8, label="arrived in Kafka")
    speed.plot(at, np.asarray(drawn["processed_per_s"]) / 1e3, color=PROCESSED, lw=1.8, label="stored and committed")
    speed.set_ylabel("thousand events/s")
    speed.legend(frameon=False, loc="upper right")
    lag = np.asarray([sample["lag"] for sample in drawn["samples"]]) / 1e3
    waiting.fill_between(at, lag, color=LAG, alpha=0.35, lw=0)
    waiting.plot(at, lag, color=LAG, lw=1.8)
    waiting.annotate(
        f"{result['peak_lag']:,} events", (at[int(lag.argmax())], lag.max()), xytext=(16, -6),
        textcoords="offset points", color=LAG,
    )  # fmt: skip
    waiting.set_ylabel("lag, thousand events")
    share = 100 * (1 - np.asarray([sample["check_share"] for sample in drawn["samples"]]))
    shed.fill_between(at, share, step="post", color=SHED, alpha=0.35, lw=0)
    shed.step(at, share, where="post", color=SHED, lw=1.8)
    shed.set_ylabel("checks shed, %")
    shed.set_ylim(0, 100)
    shed.set_xlabel("seconds since the spike began")
    for panel in (speed, waiting, shed):
        _frame(panel, result["spike_s"])
    stored = "every event stored" if result["not_stored"] == 0 else f"{result['not_stored']:,} events not stored"
    title = f"{result['factor']} times the load for {result['spike_s']:g} s: {stored}"
    figure.suptitle(title, fontsize=15, fontweight="bold")
    conditions = (
        f"Store: {result['store']}; {result['rate']:,} events/s in normal times, {result['keys']:,} keys; fewer checks "
        f"from {result['shed_from_s']:g} s behind.\nBroker, Cassandra, one consumer and the generators on one machine; "
        f"shaded: the spike; rates over a second."
    )
    figure.supxlabel(conditions, fontsize=9.5, color=MUTED)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _frame(panel: Axes, spike_s: float) -> None:
    panel.axvspan(0, spike_s, color=SPIKE, lw=0, zorder=0)
    panel.set_ylim(bottom=0)
    panel.margins(x=0.01)
    panel.grid(axis="y", color="#e3e7eb", lw=0.8)
    panel.spines[["top", "right"]].set_visible(False)
