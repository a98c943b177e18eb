"""From produce to visible under read_committed: a steady rate in, anomalies out, the difference of two clocks' one."""

from __future__ import annotations

import threading
import time

import numpy as np

from kafka_cluster import clients
from kafka_cluster.codec import Encoder, RecordDecoder
from kafka_cluster.registry import HttpRegistry
from kafka_cluster.schemas import TIMESTAMP, metric_schema
from kafka_cluster.settings import KafkaSettings

TICK_S = 0.005
QUIET_S = 2.0


def latencies_ms(
    settings: KafkaSettings, registry: HttpRegistry, readings: list[list[float]], rate: int, seconds: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Milliseconds from produce to visible of each anomaly among `rate` records/s; needs a consumer that scores.

    The event time of a record is the moment when it is handed to the producer, and comes back in its anomaly.
    """
    seen: list[float] = []
    done = threading.Event()
    reader = threading.Thread(target=_read, args=(settings, registry, seen, done))
    reader.start()
    time.sleep(QUIET_S)
    _send(settings, registry, readings, rate, seconds)
    time.sleep(QUIET_S)
    done.set()
    reader.join()
    return np.asarray(seen)


def _read(settings: KafkaSettings, registry: HttpRegistry, seen: list[float], done: threading.Event) -> None:
    decoder = RecordDecoder(registry)
    consumer = clients.consumer(settings, f"latency-{time.time()}", **{"auto.offset.reset": "latest"})
    consumer.subscribe([settings.anomalies_topic])
    while not done.is_set():
        for message in consumer.consume(1_000, TICK_S):
            now_ms = time.time() * 1000
            value = message.value()
            if message.error() is None and value is not None:
                seen.append(now_ms - decoder.decode(value)["timestamp"])
    consumer.close()


def _send(
    settings: KafkaSettings, registry: HttpRegistry, readings: list[list[float]], rate: int, seconds: float
) -> None:
    schema = metric_schema(settings.metrics)
    encoder = Encoder(schema, registry.register(f"{settings.metrics_topic}-value", schema))
    producer = clients.producer(settings, **{"linger.ms": 5})
    start, sent = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < seconds:
        while sent < elapsed * rate:
            values = dict(zip(settings.metrics, readings[sent % len(readings)], strict=True))
            record = values | {TIMESTAMP: round(time.time() * 1000)}
            producer.produce(settings.metrics_topic, encoder.encode(record), b"host-%d" % (sent % 64))
            sent += 1
        producer.poll(0)
        time.sleep(TICK_S)
    producer.flush()
