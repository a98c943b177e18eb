"""How far a training run is, for its metrics and its trace."""

from __future__ import annotations

from kafka_cluster import metrics
from kafka_cluster.clock import Clock
from kafka_cluster.meter import Meter
from kafka_cluster.span_attributes import messaging
from kafka_cluster.tracing import NO_SPAN, UNTRACED, Kind, Span, Tracer


class Progress:
    """Times the steps, one after the other. `span` is that of the whole run."""

    def __init__(self, meter: Meter, clock: Clock, tracer: Tracer = UNTRACED, span: Span = NO_SPAN) -> None:
        self._meter, self._clock, self._tracer, self.span = meter, clock, tracer, span
        self.start()

    def start(self) -> None:
        """A step begins now, not where the last one ended."""
        self._began, self._began_ns = self._clock.monotonic(), self._tracer.now_ns()

    def done(self, step: str) -> None:
        """A step of metrics.STEP is done, and the next begins."""
        self._meter.set(metrics.TRAINING_DURATION_SECONDS, self._clock.monotonic() - self._began, step=step)
        self._tracer.span(step, self.span.context, start_ns=self._began_ns).end()
        self.start()

    def announcing(self, topic: str) -> Span:
        """The span of an announcement, which goes on with whoever takes the model up."""
        attributes = messaging("send", topic)
        return self._tracer.span(f"send {topic}", self.span.context, kind=Kind.PRODUCER, attributes=attributes)

    def announced(self, training_rows: int, test_rows: int) -> None:
        """The model is announced, with what it was fitted to and evaluated on."""
        self._meter.add(metrics.TRAINING_ANNOUNCED)
        self._meter.set(metrics.TRAINING_ROWS, training_rows, part="training")
        self._meter.set(metrics.TRAINING_ROWS, test_rows, part="test")
