"""Where a program counts. `OFF` is a meter that does nothing: the way of every program without METRICS_PORT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import numpy as np
import numpy.typing as npt

from kafka_cluster.metric_kinds import Counter, Gauge, Histogram

Float64s = npt.NDArray[np.float64]
Values = tuple[str, ...]  # of a metric's labels, in their order


class Meter(Protocol):
    """Any thread may call it. Labels are given by name, all that the metric has; KeyError for one that it has not."""

    on: bool  # False: spare yourself what is computed for the meter alone

    def add(self, counter: Counter, amount: float = 1, **labels: str) -> None:
        """Count so much more."""

    def add_all(self, counter: Counter, amounts: Mapping[Values, float]) -> None:
        """Count for several label values at once."""

    def set(self, gauge: Gauge, value: float, **labels: str) -> None:
        """What it is now."""

    def replace(self, gauge: Gauge, values: Mapping[Values, float]) -> None:
        """What it is now for these label values, and no more for any other. Beyond its bound the largest stay."""

    def observe(self, histogram: Histogram, value: float) -> None:
        """One observation."""

    def observe_all(self, histogram: Histogram, values: Float64s) -> None:
        """Many at once, shape (n,)."""

    def timed(self, histogram: Histogram) -> AbstractContextManager[None]:
        """Observes the seconds that the block took, also when it raised."""

    def follow(self, metric: Counter | Gauge, read: Callable[[], float | None], **labels: str) -> None:
        """Ask `read` whenever somebody looks, from a thread of its own; None: nothing to tell."""

    def beat(self, now_s: float) -> None:
        """The program's loop turned, at that time in seconds since the epoch."""


class _Off:
    """Every method returns at once."""

    on = False

    def add(self, counter: Counter, amount: float = 1, **labels: str) -> None:
        """Nothing."""

    def add_all(self, counter: Counter, amounts: Mapping[Values, float]) -> None:
        """Nothing."""

    def set(self, gauge: Gauge, value: float, **labels: str) -> None:
        """Nothing."""

    def replace(self, gauge: Gauge, values: Mapping[Values, float]) -> None:
        """Nothing."""

    def observe(self, histogram: Histogram, value: float) -> None:
        """Nothing."""

    def observe_all(self, histogram: Histogram, values: Float64s) -> None:
        """Nothing."""

    def timed(self, histogram: Histogram) -> AbstractContextManager[None]:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return nullcontext()

    def follow(self, metric: Counter | Gauge, read: Callable[[], float | None], **labels: str) -> None:
        """Nothing."""

    def beat(self, now_s: float) -> None:
        """Nothing."""


OFF: Meter = _Off()
