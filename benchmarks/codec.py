"""How many records a second one core decodes: `python benchmarks/codec.py [records]`, JSON on the last line.

kernel_per_s is the kernel alone over bytes already joined, decode_per_s is MetricDecoder.decode from a list of bytes,
fastavro_per_s is fastavro one record at a time to a dict, ratio is the second over the third. The best of several
passes counts: what else runs on the machine only ever makes a pass slower.
"""

from __future__ import annotations

import json
import sys
import timeit
from collections.abc import Callable

import numpy as np

from kafka_cluster import kernel
from kafka_cluster.avro import parse
from kafka_cluster.batch import Batch, Decoded
from kafka_cluster.codec import Encoder, MetricDecoder, RecordDecoder
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.paths import FastPath
from kafka_cluster.reader import Reader
from kafka_cluster.schemas import load_schema

METRICS = ("network", "disk", "cpu")
START_MS = 1_400_000_000_000
PASSES = 15


def main(records: int) -> dict[str, float]:
    """Measure a batch of so many CloudWatch records."""
    registry, values = _batch(records)
    decoder, one_by_one = MetricDecoder(registry, METRICS), RecordDecoder(registry)
    decoder.warm()
    batch = Batch.of(values)
    path = FastPath(parse(load_schema("metric"))[0], Reader(METRICS))
    rows, out = np.arange(records, dtype=np.int64), Decoded.empty(records, len(METRICS), 0)

    def one_by_one_all() -> None:
        for value in values:
            one_by_one.decode(value)

    rates = {
        "kernel_per_s": _rate(lambda: path.decode(batch, rows, out), records, PASSES),
        "schema_ids_per_s": _rate(
            lambda: kernel.schema_ids(batch.data, batch.offsets, np.empty(records, np.int64)), records, PASSES
        ),
        "join_per_s": _rate(lambda: Batch.of(values), records, PASSES),
        "decode_per_s": _rate(lambda: decoder.decode(values), records, PASSES),
        "fastavro_per_s": _rate(one_by_one_all, records, 3),
    }
    return {**rates, "ratio": round(rates["decode_per_s"] / rates["fastavro_per_s"], 1), "records": records}


def _batch(records: int) -> tuple[MemoryRegistry, list[bytes]]:
    registry = MemoryRegistry()
    encoder = Encoder(load_schema("metric"), registry.register("metrics-value", load_schema("metric")))
    numbers = np.random.default_rng(1).gamma(2.0, 1e6, (records, len(METRICS))).tolist()
    times = range(START_MS, START_MS + records * 300_000, 300_000)
    readings = (
        {**dict(zip(METRICS, row, strict=True)), "timestamp": time} for row, time in zip(numbers, times, strict=True)
    )
    return registry, [encoder.encode(reading) for reading in readings]


def _rate(step: Callable[[], object], records: int, passes: int) -> int:
    step()
    return round(records / min(timeit.repeat(step, number=1, repeat=passes)))


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))  # noqa: T201 - it prints its result
