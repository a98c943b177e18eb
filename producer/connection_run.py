"""One run of the generator of connections: to their topic, and what was put in to a file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from confluent_kafka import KafkaError, Message

from kafka_cluster import clients, metrics
from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.column_encoder import ColumnEncoder
from kafka_cluster.errors import LabError
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.log import get_logger
from kafka_cluster.meter import Meter
from kafka_cluster.metrics_server import serving
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.registry import Registry, subject_of
from kafka_cluster.schemas import load_schema
from producer.connection_settings import ConnectionSettings
from producer.connection_walk import MINUTE_MS, ConnectionPlan, Connections, name_of
from producer.files import write_whole

FLUSH_TIMEOUT_S = 60.0
QUEUE = {"queue.buffering.max.messages": 2_000_000, "queue.buffering.max.kbytes": 1 << 20}
log = get_logger()


@dataclass(frozen=True)
class SentConnections:
    """What a run did."""

    delivered: int
    labels: int
    first_ms: int


def run(settings: ConnectionSettings, clock: Clock, stop: Stop) -> SentConnections:
    """Send connections until the plan or the stop ends it. Raises LabError when some were not delivered."""
    with serving(settings, metrics.CONNECTIONS, clock, stop) as meter:
        return _run(settings, clock, stop, meter)


def _run(settings: ConnectionSettings, clock: Clock, stop: Stop, meter: Meter) -> SentConnections:
    plan = plan_of(settings, clock)
    wait_for_broker(settings, clock)
    with wait_for_registry(settings, clock) as registry:
        sender = ConnectionSender(settings, registry, plan.services)
    heartbeat, sent = Heartbeat(settings.heartbeat_file, clock, meter=meter, program="producer.connections"), 0
    meter.follow(metrics.PRODUCER_FAILED, lambda: sender.failed)
    log.info("connections", services=plan.services, minutes=plan.minutes, live=settings.connection_live)
    if settings.connection_labels is not None:
        lines = "".join(json.dumps(asdict(label)) + "\n" for label in plan.labels())
        write_whole(settings.connection_labels, lines.encode())
    for number in range(plan.minutes):
        if settings.connection_live:  # a minute is sent when it is over
            clock.sleep((plan.start_ms + (number + 1) * MINUTE_MS) / 1_000 - clock.now())
        if stop.requested:
            break
        sent += (taken := sender.send(plan.minute(number)))
        meter.add(metrics.PRODUCER_RECORDS, taken)
        heartbeat.beat("sending", sent=sent)
    sender.close()
    heartbeat.beat("stopped", sent=sent)
    log.info("connections sent", delivered=sent, labels=len(plan.labels()))
    return SentConnections(sent, len(plan.labels()), plan.start_ms)


def plan_of(settings: ConnectionSettings, clock: Clock) -> ConnectionPlan:
    """What is sent. A minute begins with a minute of the clock, as windows do."""
    minutes, start_ms = settings.connection_minutes, settings.connection_start_ms
    if start_ms is None:
        start_ms = round(clock.now() * 1_000) - (0 if settings.connection_live else minutes * MINUTE_MS)
    start_ms -= start_ms % MINUTE_MS
    return ConnectionPlan(
        settings.connection_services, settings.connection_per_minute, minutes, settings.connection_seed, start_ms
    )


class ConnectionSender:
    """Sends connections to their topic, keyed by service."""

    def __init__(self, settings: ConnectionSettings, registry: Registry, services: int) -> None:
        schema = load_schema("connection")
        self._topic = settings.connections_topic
        self._encoder = ColumnEncoder(schema, registry.register(subject_of(self._topic), schema))
        self._encoder.warm()
        self._keys = [name_of(service).encode() for service in range(services)]
        only_failures = {"delivery.report.only.error": True}
        self._producer = clients.producer(settings, **QUEUE, **only_failures)
        self.failed = 0

    def send(self, came: Connections) -> int:
        """Hand them to the client in order, and wait until they are answered; returns how many. Raises LabError."""
        columns: dict[str, Any] = {
            "source": came.sources, "port": came.ports, "bytes": came.sizes, "timestamp": came.times_ms,
        }  # fmt: skip
        values = self._encoder.encode(columns).values()
        batch: list[dict[str, Any]] = [
            {"value": value, "key": self._keys[service]}
            for value, service in zip(values, came.services.tolist(), strict=True)
        ]
        taken = self._producer.produce_batch(self._topic, batch, on_delivery=self._answered)
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        if missing := len(batch) - taken + left + self.failed:
            reason = f"{missing} of {len(batch)} connections were not delivered"
            raise LabError(f"topic {self._topic!r}", reason, "run it again when the broker is well")
        return len(batch)

    def close(self) -> None:
        """Leave the broker."""
        self._producer.close()

    def _answered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self.failed += 1
            log.warning("delivery failed", topic=self._topic, error=error.str())
