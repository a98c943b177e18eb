"""How many events a second each history store takes, and gives back, on a Cassandra of its own on this machine.

`python -m benchmarks.history_stores [SECONDS]` prints one JSON object on the last line of standard output. Each store
gets batches as a worker would have them, of 50,000 events over 10,000 keys and four partitions; the baseline gets
smaller ones. After a round to warm up, what counts is from the first append to the last acknowledgement.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from commands.lab_settings import LabSettings
from consumer_history.baseline import BaselineStore
from consumer_history.cassandra_chunks import ChunkStore
from consumer_history.cassandra_rows import RowStore
from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.connection import Connection
from consumer_history.migrate import migrate
from consumer_history.store import EventBatch, HistoryStore
from kafka_cluster import log
from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.embedded.ring import Ring
from kafka_cluster.errors import one_clear_line

KEYS, PARTITIONS, DEPTH = 10_000, 4, 50
BATCH = {"rows": 50_000, "chunks": 50_000, "baseline": 2_000}
HEAP_MB = 640
CHECKS = 2_000  # of the baseline's reading back
DEFAULT_S = 10.0


def batches(size: int, seed: int = 0) -> Iterator[EventBatch]:
    """Random walks of KEYS keys, each key on one partition, without end; a batch has about `size` events."""
    random = np.random.default_rng(seed)
    each, at = size // PARTITIONS, 0
    while True:
        offsets = np.tile(np.arange(at, at + each, dtype=np.int64), PARTITIONS)
        partitions = np.repeat(np.arange(PARTITIONS, dtype=np.int32), each)
        keys = random.integers(0, KEYS // PARTITIONS, each * PARTITIONS) * PARTITIONS + partitions
        values = random.normal(size=len(keys)).cumsum()
        yield EventBatch(keys, 1_700_000_000_000 + offsets, values, partitions, offsets)
        at += each


def measured(store: HistoryStore, size: int, seconds: float) -> dict[str, Any]:
    """Append for so long, then read it all."""
    source = batches(size)
    warm = [next(source) for _ in range(4)]
    for batch in warm:
        store.append(batch)
    start, cpu_s, counted = time.perf_counter(), time.process_time(), 0
    while (took_s := time.perf_counter() - start) < seconds:
        batch = next(source)
        store.append(batch)
        counted += len(batch)
    cpu_s = time.process_time() - cpu_s
    result = {"append_per_s": round(counted / took_s), "client_cpu_share": round(cpu_s / took_s, 3)}
    start = time.perf_counter()
    found = sum(len(part) for part in store.last(dict.fromkeys(range(PARTITIONS), 1 << 60), DEPTH))
    if found:
        result["read_per_s"] = round(found / (time.perf_counter() - start))
        result["lost"] = sum(map(len, warm)) + counted - found
    return result


def run(ring: Ring, settings: CassandraSettings, seconds: float) -> dict[str, Any]:
    """Every store in turn, on one node."""
    clock = SystemClock()
    ring.up()
    migrate(settings, clock)
    with Connection(settings, clock) as connection:
        baseline = BaselineStore(connection)
        stores: dict[str, HistoryStore] = {
            "rows": RowStore(connection, "bench"), "chunks": ChunkStore(connection, "bench"), "baseline": baseline,
        }  # fmt: skip
        result = {}
        for name, store in stores.items():
            log.get_logger().warning("measuring", store=name)
            result[name] = measured(store, BATCH[name], seconds)
        start = time.perf_counter()
        baseline.read_back(np.arange(CHECKS, dtype=np.int64), DEPTH)
        result["baseline"]["read_backs_per_s"] = round(CHECKS / (time.perf_counter() - start))
    return {"seconds": seconds, "heap_mb": HEAP_MB, "stores": result}


def main() -> int:
    """Start the node, measure, stop it, remove its data."""
    log.configure(level="WARNING")
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_S
    lab = LabSettings.read()
    native, storage = pick_free(2)
    ports = {"lab_cassandra_port": native, "lab_cassandra_storage_port": storage, "lab_port_offset": 0}
    own = lab.model_copy(update={"lab_var": lab.lab_var / "bench-history", **ports})
    ring = Ring(own, ["127.0.0.1"], heap_mb=HEAP_MB)
    try:
        result = run(ring, CassandraSettings.read(cassandra_contact_points="127.0.0.1", cassandra_port=native), seconds)
    finally:
        ring.down()
        shutil.rmtree(own.lab_var, ignore_errors=True)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main)())
