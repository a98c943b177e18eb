"""The ways that the hot path is held against: scikit-learn in batches, and the tutorial's record by record."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from benchmarks.load import readings
from consumer_training.fit import Fitted
from detectors.features import engineer
from kafka_cluster.settings import KafkaSettings

BATCH_ROWS = 200_000
RECORDS = 300


def sklearn_batch_per_s(fitted: Fitted) -> float:
    """Rows a second of `score_samples` on one large batch, one core."""
    times, values = readings(BATCH_ROWS, seed=1)
    x = engineer(times, values, fitted.model.metrics, fitted.model.features)
    start = time.perf_counter()
    fitted.sklearn_forest.score_samples(x)
    return BATCH_ROWS / (time.perf_counter() - start)


def forest_batch_per_s(fitted: Fitted) -> float:
    """The same rows through the flat forest."""
    times, values = readings(BATCH_ROWS, seed=1)
    x = engineer(times, values, fitted.model.metrics, fitted.model.features)
    fitted.model.forest.warm()
    start = time.perf_counter()
    fitted.model.forest.score(x)
    return BATCH_ROWS / (time.perf_counter() - start)


def per_record_way_per_s(settings: KafkaSettings, fitted: Fitted, values: list[bytes]) -> float:
    """Records a second of the tutorial's way: AvroDeserializer, a DataFrame of one row, predict."""
    with SchemaRegistryClient({"url": settings.schema_registry_url}) as client:
        deserializer = AvroDeserializer(client)
        context = SerializationContext(settings.metrics_topic, MessageField.VALUE)
        deserializer(values[0], context)  # the schema is fetched once
        start = time.perf_counter()
        for value in values[:RECORDS]:
            record = deserializer(value, context)
            instant = pd.Timestamp(record["timestamp"], unit="ms")
            off_hours = int(instant.hour < 8 or instant.hour > 18)  # noqa: PLR2004 - as the tutorial has it
            row = pd.DataFrame([{**record, "off_hours": off_hours}])[list(fitted.model.features)]
            fitted.sklearn_forest.predict(row.to_numpy(np.float32))
        return RECORDS / (time.perf_counter() - start)
