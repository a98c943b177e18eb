"""Sending metric records: Avro through the registry, idempotent, every delivery counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from confluent_kafka import KafkaError, Message

from kafka_cluster import clients
from kafka_cluster.codec import Encoder
from kafka_cluster.dead_letters import ClientHeaders
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger
from kafka_cluster.registry import Registry, subject_of
from kafka_cluster.schemas import TIMESTAMP, metric_schema
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.span_attributes import messaging
from kafka_cluster.tracing import UNTRACED, Kind, Span, Tracer, inject

QUEUE_FULL_POLL_S = 0.1
FLUSH_TIMEOUT_S = 60.0
log = get_logger()


class MetricSender:
    """Sends wide records of `metrics` to the metrics topic. `delivered` and `failed` count what the broker answered."""

    def __init__(
        self, settings: KafkaSettings, registry: Registry, metrics: Sequence[str], tracer: Tracer = UNTRACED
    ) -> None:
        schema = metric_schema(metrics)
        self._topic, self._metrics = settings.metrics_topic, tuple(metrics)
        self._encoder = Encoder(schema, registry.register(subject_of(self._topic), schema))
        self._producer = clients.producer(settings)
        self._tracer = tracer
        self.delivered = self.failed = 0

    def send(self, key: str, time_ms: int, values: Sequence[float]) -> None:
        """Hand one record to the client; waits while its queue is full. Values are finite floats, one a metric."""
        record = dict(zip(self._metrics, values, strict=True)) | {TIMESTAMP: time_ms}
        value = self._encoder.encode(record)
        answered, headers = self._traced(key) if self._tracer.on and self._tracer.takes() else (self._answered, None)
        while True:
            try:
                self._producer.produce(self._topic, value, key.encode(), on_delivery=answered, headers=headers)
            except BufferError:
                self._producer.poll(QUEUE_FULL_POLL_S)
            else:
                break
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until every record is answered. Raises LabError when some were not delivered."""
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        if left or self.failed:
            reason = f"{self.failed + left} of {self.delivered + self.failed + left} records were not delivered"
            raise LabError(f"topic {self._topic!r}", reason, "the log tells why; run it again when the broker is well")

    def close(self) -> None:
        """Leave the broker. What was not flushed is given up."""
        self._producer.purge()
        self._producer.close()

    def _traced(self, key: str) -> tuple[Callable[[KafkaError | None, Message], None], ClientHeaders]:
        """A trace begins with this record; its first span ends when the broker has answered."""
        attributes = messaging("send", self._topic, key=key)
        span = self._tracer.span(f"send {self._topic}", kind=Kind.PRODUCER, attributes=attributes)
        return partial(self._answered_traced, span), list(inject(span.context))

    def _answered_traced(self, span: Span, error: KafkaError | None, message: Message) -> None:
        if error is None:
            span.set(messaging("send", self._topic, partition=message.partition(), offset=message.offset()))
        else:
            span.fail(error.str())
        span.end()
        self._answered(error, message)

    def _answered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.delivered += 1
            return
        self.failed += 1
        if self.failed == 1:  # the first tells why; the rest are counted
            key = (message.key() or b"").decode(errors="replace")
            log.warning("delivery failed", topic=self._topic, partition=message.partition(), key=key, error=error.str())
