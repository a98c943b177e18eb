"""How far a training run is, for its metrics."""

from __future__ import annotations

from kafka_cluster import metrics
from kafka_cluster.clock import Clock
from kafka_cluster.meter import Meter


class Progress:
    """Times the steps, one after the other."""

    def __init__(self, meter: Meter, clock: Clock) -> None:
        self._meter, self._clock = meter, clock
        self.start()

    def start(self) -> None:
        """A step begins now, not where the last one ended."""
        self._began = self._clock.monotonic()

    def done(self, step: str) -> None:
        """A step of metrics.STEP is done, and the next begins."""
        self._meter.set(metrics.TRAINING_DURATION_SECONDS, self._clock.monotonic() - self._began, step=step)
        self.start()

    def announced(self, training_rows: int, test_rows: int) -> None:
        """The model is announced, with what it was fitted to and evaluated on."""
        self._meter.add(metrics.TRAINING_ANNOUNCED)
        self._meter.set(metrics.TRAINING_ROWS, training_rows, part="training")
        self._meter.set(metrics.TRAINING_ROWS, test_rows, part="test")
