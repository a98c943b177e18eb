"""What people say, onto the verdicts topic. It comes back from there like everybody else's, and only then counts."""

from __future__ import annotations

import threading

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from dashboard.settings import DashboardSettings
from kafka_cluster import clients, metrics
from kafka_cluster.codec import Encoder
from kafka_cluster.errors import LabError
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.records import Verdict
from kafka_cluster.registry import Registry, subject_of
from kafka_cluster.schemas import load_schema
from kafka_cluster.span_attributes import ANOMALY_ID, messaging
from kafka_cluster.tracing import UNTRACED, Kind, Origins, Tracer, inject

DELIVERY_TIMEOUT_S = 5.0
QUICK = {"linger.ms": 0, "message.timeout.ms": int(DELIVERY_TIMEOUT_S * 1000)}


class VerdictWriter:
    """Writes one verdict at a time and waits until the broker has it."""

    def __init__(
        self,
        settings: DashboardSettings,
        registry: Registry,
        meter: Meter = OFF,
        tracer: Tracer = UNTRACED,
        origins: Origins | None = None,
    ) -> None:
        self._topic, self._registry, self._meter = settings.verdicts_topic, registry, meter
        self._tracer, self._origins = tracer, origins or Origins()
        self._producer: Producer = clients.producer(settings, **QUICK)
        self._encoder: Encoder | None = None
        self._turn = threading.Lock()

    def write(self, anomaly_id: str, verdict: Verdict | None) -> None:
        """A verdict, or None: a tombstone, which takes back what was said. Raises LabError unless it was delivered."""
        attributes = {**messaging("send", self._topic, key=anomaly_id), ANOMALY_ID: anomaly_id}
        begun = self._tracer.span(
            f"send {self._topic}", self._origins.get(anomaly_id), kind=Kind.PRODUCER, attributes=attributes
        )
        with self._turn, begun as span:
            value = None if verdict is None else self._encode(verdict)
            answers: list[KafkaError | None] = []

            def answered(error: KafkaError | None, _message: Message) -> None:
                answers.append(error)

            try:
                self._producer.produce(
                    self._topic, value, anomaly_id.encode(), on_delivery=answered, headers=list(inject(span.context))
                )
                self._producer.flush(DELIVERY_TIMEOUT_S)
            except (KafkaException, BufferError) as error:
                raise LabError("verdict", f"not written ({error})", "try again") from None
            if not answers or answers[0] is not None:
                reason = "the broker does not answer" if not answers or answers[0] is None else answers[0].str()
                raise LabError("verdict", f"not written: {reason}", "try again when the broker is well")
        self._meter.add(metrics.PAGE_VERDICTS, verdict="taken-back" if verdict is None else str(verdict.verdict))

    def close(self) -> None:
        """Leave the broker."""
        self._producer.purge()
        self._producer.close()

    def _encode(self, verdict: Verdict) -> bytes:
        if self._encoder is None:
            schema = load_schema("verdict")
            self._encoder = Encoder(schema, self._registry.register(subject_of(self._topic), schema))
        return self._encoder.encode(verdict.to_avro())
