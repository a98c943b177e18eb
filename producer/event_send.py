"""Sending events: whole batches from arrays to the client, every failed delivery counted."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, Message

from kafka_cluster import clients
from kafka_cluster.column_encoder import ColumnEncoder
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger
from kafka_cluster.registry import Registry, subject_of
from kafka_cluster.schemas import load_schema
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.span_attributes import messaging
from kafka_cluster.tracing import UNTRACED, Kind, Tracer, inject
from producer.event_keys import DECIMAL, HEXADECIMAL, digits
from producer.event_places import Places
from producer.event_walks import Events

QUEUE_EVENTS = 500_000
QUEUE = {"queue.buffering.max.messages": QUEUE_EVENTS, "queue.buffering.max.kbytes": 262_144, "linger.ms": 10}
QUEUE_FULL_POLL_S = 0.02
FLUSH_TIMEOUT_S = 60.0
log = get_logger()


class EventSender:
    """Sends events to their topic. `handed` and `failed` count what the client took, and what the broker refused."""

    def __init__(
        self, settings: KafkaSettings, registry: Registry, places: Places | None = None, tracer: Tracer = UNTRACED
    ) -> None:
        schema = load_schema("event")
        self._topic, self._places, self._tracer = settings.events_topic, places, tracer
        self._encoder = ColumnEncoder(schema, registry.register(subject_of(self._topic), schema))
        self._encoder.warm()
        self._messages: list[dict[str, Any]] = []  # used again and again: to make them costs more than to fill them
        only_failures = {"delivery.report.only.error": True}
        self._producer = clients.producer(settings, **QUEUE, **only_failures)
        self.handed = self.failed = 0

    def send(self, events: Events) -> None:
        """Hand at most QUEUE_EVENTS to the client, in order; waits while its queue is full."""
        values, keys = self._encoder.encode(self._columns(events)).values(), self._keys(events)
        while len(self._messages) < len(values):
            self._messages.append({})
        batch = self._messages[: len(values)]
        for message, value, key in zip(batch, values, keys, strict=True):
            message["value"], message["key"] = value, key
        if self._tracer.on and self._tracer.takes(len(values)):
            self._hand_over_traced(batch)
        else:
            self._hand_over(batch)
        self.handed += len(values)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until every event is answered. Raises LabError when some were not delivered."""
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        if left or self.failed:
            reason = f"{self.failed + left} of {self.handed} events were not delivered"
            raise LabError(f"topic {self._topic!r}", reason, "the log tells why; run it again when the broker is well")

    def close(self) -> None:
        """Leave the broker. What was not flushed is given up."""
        self._producer.purge()
        self._producer.close()

    def _columns(self, events: Events) -> dict[str, Any]:
        columns = {"id": events.keys, "value": events.values, "timestamp": events.times_ms}
        if self._places is None:
            return {**columns, "latitude": None, "longitude": None}
        latitudes, longitudes = self._places.latitudes[events.keys], self._places.longitudes[events.keys]
        return {**columns, "latitude": latitudes, "longitude": longitudes}

    def _keys(self, events: Events) -> list[bytes]:
        """The id, or the H3 cell as H3 writes it."""
        if self._places is None:
            return digits(events.keys, DECIMAL)
        return digits(self._places.cells[events.keys], HEXADECIMAL)

    def _hand_over_traced(self, batch: list[dict[str, Any]]) -> None:
        """A trace begins with the batch and its first event. The client takes headers with single records alone."""
        first, rest = batch[0], batch[1:]
        whole = messaging("send", self._topic, count=len(batch))
        with self._tracer.span(f"send {self._topic}", kind=Kind.PRODUCER, attributes=whole) as sent:
            one = messaging("create", self._topic, key=first["key"])
            with self._tracer.span(f"create {self._topic}", sent.context, kind=Kind.PRODUCER, attributes=one) as made:
                self._wait_for_room(len(batch))
                headers = inject(made.context)
                self._producer.produce(
                    self._topic, first["value"], first["key"], headers=list(headers), on_delivery=self._answered
                )
            self._hand_over(rest)

    def _hand_over(self, batch: list[dict[str, Any]]) -> None:
        self._wait_for_room(len(batch))
        if self._producer.produce_batch(self._topic, batch, on_delivery=self._answered) < len(batch):
            refused = next(message["_error"] for message in batch if "_error" in message)
            raise LabError(f"topic {self._topic!r}", f"the client did not take an event: {refused}")

    def _wait_for_room(self, events: int) -> None:
        """Where it ran out inside a batch, later events of a key could overtake earlier ones."""
        while len(self._producer) + events > QUEUE_EVENTS:
            self._producer.poll(QUEUE_FULL_POLL_S)

    def _answered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            return
        self.failed += 1
        if self.failed == 1:  # the first tells why; the rest are counted
            key = (message.key() or b"").decode(errors="replace")
            log.warning("delivery failed", topic=self._topic, partition=message.partition(), key=key, error=error.str())
