"""From produce to visible under read_committed: a steady rate in, anomalies out, the difference of two clocks' one."""

from __future__ import annotations

import threading
import time

import numpy as np

from kafka_cluster import clients
from kafka_cluster.codec import Encoder, RecordDecoder
from kafka_cluster.registry import HttpRegistry, subject_of
from kafka_cluster.schemas import TIMESTAMP, metric_schema
from kafka_cluster.settings import KafkaSettings

TICK_S = 0.005
QUIET_S = 2.0
WARM_UP_S = 2.0  # not counted: connections, the first transaction


def latencies_ms(
    settings: KafkaSettings, registry: HttpRegistry, readings: list[list[float]], rate: int, seconds: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Milliseconds from produce to visible of each anomaly among `rate` records/s; needs a consumer that scores.

    The event time of a record is the moment when it is handed to the producer, and comes back in its anomaly.
    """
    seen: list[tuple[float, float]] = []
    done = threading.Event()
    reader = threading.Thread(target=_read, args=(settings, registry, seen, done))
    reader.start()
    time.sleep(QUIET_S)
    begin_ms = time.time() * 1000
    _send(settings, registry, readings, rate, seconds + WARM_UP_S)
    time.sleep(QUIET_S)
    done.set()
    reader.join()
    return np.asarray([seen_ms - sent_ms for sent_ms, seen_ms in seen if sent_ms >= begin_ms + WARM_UP_S * 1000])


def _read(
    settings: KafkaSettings, registry: HttpRegistry, seen: list[tuple[float, float]], done: threading.Event
) -> None:
    decoder = RecordDecoder(registry)
    consumer = clients.consumer(settings, f"latency-{time.time()}", **{"auto.offset.reset": "latest"})
    consumer.subscribe([settings.anomalies_topic])
    while not done.is_set():
        for message in consumer.consume(1_000, TICK_S):
            now_ms = time.time() * 1000
            value = message.value()
            if message.error() is None and value is not None:
                seen.append((decoder.decode(value)["timestamp"], now_ms))
    consumer.close()


def _send(
    settings: KafkaSettings, registry: HttpRegistry, readings: list[list[float]], rate: int, seconds: float
) -> None:
    schema = metric_schema(settings.metrics)
    encoder = Encoder(schema, registry.register(subject_of(settings.metrics_topic), schema))
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
