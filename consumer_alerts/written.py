"""Incidents as they are written down: on a partition of the compacted topic, read by whoever takes it over."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from consumer_alerts.settings import AlertsSettings
from kafka_cluster import clients
from kafka_cluster.clock import Clock
from kafka_cluster.codec import Encoder, RecordDecoder, RejectedValueError
from kafka_cluster.errors import LabError
from kafka_cluster.incident import Incident
from kafka_cluster.log import get_logger
from kafka_cluster.registry import HttpRegistry, RegistryAwayError, UnknownSchemaError, subject_of
from kafka_cluster.schemas import load_schema
from kafka_cluster.transaction import Output

BATCH, POLL_S = 1_000, 0.1
REQUEST_TIMEOUT_S = 10.0
# What is not decided yet ends within the time-out of its transaction, and somewhat later the broker says so.
PATIENCE_S = 60.0
log = get_logger()


class AwayError(LabError):
    """Broker or registry do not answer: it is tried again."""


class WrittenIncidents:
    """The topic of incidents."""

    def __init__(self, settings: AlertsSettings, registry: HttpRegistry, admin: AdminClient, clock: Clock) -> None:
        self._settings, self._admin, self._clock = settings, admin, clock
        schema = load_schema("incident")
        self._encoder = Encoder(schema, registry.register(subject_of(settings.incidents_topic), schema))
        self._decoder = RecordDecoder(registry)

    def output(self, partition: int, identity: str, incident: Incident | None) -> Output:
        """The record to write; a tombstone for one that is gone."""
        value = None if incident is None else self._encoder.encode(incident.to_avro())
        return Output(self._settings.incidents_topic, identity.encode(), value, partition=partition)

    def read(self, partition: int, go_on: Callable[[], bool]) -> list[Incident] | None:
        """All incidents of a partition; None as soon as `go_on` says no. Raises AwayError.

        To the end of all that is written, decided or not: the last transaction of the member before may have committed
        its offsets, and its incidents not be readable yet.
        """
        group = f"{self._settings.alerts_group}-rebuild-{uuid.uuid4()}"
        consumer = clients.consumer(self._settings, group, **{"enable.partition.eof": True})
        found: dict[str, Incident] = {}
        deadline = self._clock.monotonic() + PATIENCE_S
        try:
            end = self._end(partition)
            consumer.assign([TopicPartition(self._settings.incidents_topic, partition, OFFSET_BEGINNING)])
            reached = 0
            while reached < end:
                if not go_on():
                    return None
                for message in consumer.consume(BATCH, POLL_S):
                    reached = max(reached, self._take(message, found))
                if self._clock.monotonic() > deadline:
                    raise AwayError(f"topic {self._settings.incidents_topic!r}", f"partition {partition} has no end")
        except KafkaException as error:
            raise AwayError(f"topic {self._settings.incidents_topic!r}", str(error)) from None
        except RegistryAwayError as error:
            raise AwayError("Schema Registry", str(error)) from None
        finally:
            consumer.close()
        return list(found.values())

    def _end(self, partition: int) -> int:
        """The offset after the last record, also of transactions that are not decided."""
        asked = TopicPartition(self._settings.incidents_topic, partition)
        futures: dict[Any, Any] = self._admin.list_offsets(
            {asked: OffsetSpec.latest()},  # type: ignore[no-untyped-call] # the client has no types there
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=REQUEST_TIMEOUT_S,
        )
        return int(futures[asked].result().offset)

    def _take(self, message: Message, found: dict[str, Incident]) -> int:
        """Take note of a record; returns the offset up to which the partition is read."""
        error, offset = message.error(), message.offset() or 0
        if error is not None:
            return offset if error.code() == KafkaError._PARTITION_EOF else 0  # noqa: SLF001 - librdkafka's own name
        key, value = (message.key() or b"").decode(errors="replace"), message.value()
        if value is None:
            found.pop(key, None)
            return offset + 1
        try:
            found[key] = Incident.from_avro(self._decoder.decode(value))
        except (RejectedValueError, UnknownSchemaError) as bad:
            log.error("incident not readable", partition=message.partition(), offset=offset, error=str(bad))
        return offset + 1
