"""Load: CloudWatch-like records, encoded once, sent as fast as the broker takes them or at a steady rate."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import Producer

from kafka_cluster import clients
from kafka_cluster.codec import Encoder
from kafka_cluster.errors import LabError
from kafka_cluster.registry import Registry, subject_of
from kafka_cluster.schemas import TIMESTAMP, metric_schema
from kafka_cluster.settings import KafkaSettings

POOL = 50_000  # different records; the load repeats them
STEP_MS = 300_000
START_MS = 1_397_088_000_000
SEND_BATCH = 10_000
FLUSH_TIMEOUT_S = 120.0
QUEUE = {"queue.buffering.max.messages": 1_000_000, "queue.buffering.max.kbytes": 1_048_576, "linger.ms": 20}


def readings(count: int, seed: int = 0) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Instants, shape (n,), in ms, and network, disk and cpu, shape (n, 3): heavy-tailed, with a daily cycle."""
    random = np.random.default_rng(seed)
    times = START_MS + STEP_MS * np.arange(count, dtype=np.int64)
    day = 1 + 0.5 * np.sin(times / 86_400_000 * 2 * np.pi)
    network = 3e5 * day * random.lognormal(0, 0.3, count)
    disk = 1e6 * random.lognormal(0, 1.0, count)
    cpu = np.clip(20 * day * random.lognormal(0, 0.2, count), 0, 100)
    return times, np.column_stack([network, disk, cpu]).astype(np.float32).astype(np.float64)


def encoded(settings: KafkaSettings, registry: Registry) -> list[bytes]:
    """A pool of framed values; the schema is registered under the metrics topic."""
    schema = metric_schema(settings.metrics)
    encoder = Encoder(schema, registry.register(subject_of(settings.metrics_topic), schema))
    times, values = readings(POOL)
    rows = zip(times.tolist(), values.tolist(), strict=True)
    return [
        encoder.encode(dict(zip(settings.metrics, row, strict=True)) | {TIMESTAMP: time_ms}) for time_ms, row in rows
    ]


def fill(settings: KafkaSettings, values: list[bytes], records: int, keys: int) -> float:
    """Send `records` values over `keys` keys as fast as it goes; returns the seconds until all were delivered."""
    producer = clients.producer(settings, **QUEUE)
    batches = _batches(values, keys)
    start = time.perf_counter()
    left = records
    while left:
        batch = next(batches)[: min(left, SEND_BATCH)]
        left -= len(batch)
        _send(producer, settings.metrics_topic, batch)
    if producer.flush(FLUSH_TIMEOUT_S):
        raise LabError("load", f"not delivered within {FLUSH_TIMEOUT_S:.0f} s")
    return time.perf_counter() - start


def _send(producer: Producer, topic: str, batch: list[dict[str, Any]]) -> None:
    while True:
        try:
            producer.produce_batch(topic, batch)
        except BufferError:
            producer.poll(0.05)
        else:
            failed = [message for message in batch if "_error" in message]
            if not failed:
                return
            for message in failed:
                del message["_error"]
            batch = failed
            producer.poll(0.05)


def _batches(values: list[bytes], keys: int) -> Iterator[list[dict[str, Any]]]:
    """Lists of messages for ever: the values in turn, the keys in turn."""
    names = [b"host-%d" % number for number in range(min(keys, POOL))]
    sent = 0
    while True:
        for first in range(0, len(values), SEND_BATCH):
            part = values[first : first + SEND_BATCH]
            if keys <= POOL:
                yield [{"value": value, "key": names[(sent + at) % keys]} for at, value in enumerate(part)]
            else:
                yield [{"value": value, "key": b"host-%d" % ((sent + at) % keys)} for at, value in enumerate(part)]
            sent += len(part)
