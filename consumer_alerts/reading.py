"""A batch of messages as anomalies, with the dead letters among them."""

from __future__ import annotations

from typing import NamedTuple

from confluent_kafka import KafkaError, Message

from kafka_cluster.codec import DecodeError, RecordDecoder, RejectedValueError
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.dead_letters import DeadLetter
from kafka_cluster.records import Anomaly
from kafka_cluster.registry import UnknownSchemaError


class Read(NamedTuple):
    """An anomaly, where it stands, and when it was written there (ms since the epoch, UTC)."""

    partition: int
    offset: int
    found_at: int
    anomaly: Anomaly


def without_ends(messages: list[Message], caught_up: set[int]) -> list[Message]:
    """The messages that are no partition's end; `caught_up` is told which partitions are read to theirs."""
    others = []
    for message in messages:
        error, partition = message.error(), message.partition()
        if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
            caught_up.add(int(partition or 0))
            continue
        if error is None:
            caught_up.discard(int(partition or 0))
        others.append(message)
    return others


def decode(batch: ConsumedBatch, decoder: RecordDecoder) -> tuple[list[Read], list[DeadLetter]]:
    """The anomalies of a batch, in its order. Raises RegistryAwayError, and then nothing of it counts as seen."""
    found: list[Read] = []
    letters: list[DeadLetter] = []
    for row, value in enumerate(batch.values):
        partition, offset = batch.address(row)
        try:
            found.append(Read(partition, offset, batch.timestamp_ms(row), anomaly(value, decoder)))
        except RejectedValueError as bad:
            letters.append(batch.dead_letter(row, bad.error, bad.reason))
        except UnknownSchemaError as unknown:
            letters.append(batch.dead_letter(row, DecodeError.UNKNOWN_SCHEMA, str(unknown)))
    return found, letters


def anomaly(value: bytes | None, decoder: RecordDecoder) -> Anomaly:
    """One anomaly; fields of later versions are left out. Raises RejectedValueError, UnknownSchemaError."""
    if value is None:
        raise RejectedValueError(DecodeError.NO_VALUE, "the record has no value")
    record = decoder.decode(value)
    try:
        return Anomaly.from_avro({name: record[name] for name in Anomaly._fields if name in record})
    except (KeyError, TypeError, ValueError) as error:
        reason = f"is no anomaly ({type(error).__name__}: {error})"
        raise RejectedValueError(DecodeError.UNFIT_SCHEMA, reason) from None
