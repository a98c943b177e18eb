"""How much at once: the size of a request and the requests in flight, against throughput and latency.

The published system tuned the size of two thread pools; here a store has two numbers instead. Each point appends the
same micro-batches to a Cassandra of its own for some seconds, one after the other, as a worker does between consuming
and committing. Throughput is events durable a second; latency how long a micro-batch takes until it is.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.experiments.ground import Say
from benchmarks.history_stores import HEAP_MB, batches
from commands.lab_settings import LabSettings
from consumer_history.cassandra_chunks import ChunkStore
from consumer_history.cassandra_rows import RowStore
from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.connection import Connection
from consumer_history.migrate import migrate
from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.ring import Ring

SIZES = {"rows": (50, 200, 1_000, 2_000, 5_000), "chunks": (256, 1_024, 4_096, 8_192, 16_384)}
SETTING = {"rows": "history_rows_a_request", "chunks": "history_events_a_chunk"}
IN_FLIGHT = (1, 2, 4, 8, 16, 32)
STORES: dict[str, type[RowStore | ChunkStore]] = {"rows": RowStore, "chunks": ChunkStore}
WARM_S = 8.0  # the server compiles its own hot paths first
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Plan:
    """What is measured, and for how long each."""

    store: str = "rows"
    batch: int = 20_000  # events of a micro-batch
    seconds: float = 1.0
    rounds: int = 2  # of which the faster counts
    sizes: tuple[int, ...] = ()  # of a request, in events; the store's own list when empty
    in_flight: tuple[int, ...] = IN_FLIGHT


@dataclass(frozen=True)
class Point:
    """One setting and what it gave."""

    size: int  # events of a request
    in_flight: int
    events_per_s: int
    p50_ms: float  # of a micro-batch, until it is durable
    p99_ms: float


def run(lab: LabSettings, plan: Plan, say: Say) -> dict[str, Any]:
    """Every setting in turn, on one node that is removed afterwards."""
    ring = Ring(lab, [HOST], heap_mb=HEAP_MB)
    clock = SystemClock()
    say("starting Cassandra")
    try:
        ring.up()
        given: dict[str, Any] = {"cassandra_contact_points": HOST, "cassandra_port": ring.port}
        migrate(CassandraSettings.read(**given), clock)
        sizes = plan.sizes or SIZES[plan.store]
        measured(given, plan, sizes[len(sizes) // 2], plan.in_flight[-1], WARM_S, "warm")
        settings = [(size, flying) for size in sizes for flying in plan.in_flight]
        points = dict[tuple[int, int], Point]()
        for number in range(plan.rounds):  # apart in time, so that what disturbs one does not disturb the other
            for size, flying in settings:
                point = measured(given, plan, size, flying, plan.seconds, f"{number}-{size}-{flying}")
                points[size, flying] = max(points.get((size, flying), point), point, key=lambda one: one.events_per_s)
                say(f"{size:>6,} events a request, {flying:>2} in flight: {point.events_per_s:>8,} events/s")
    finally:
        ring.down()
        shutil.rmtree(lab.lab_var, ignore_errors=True)
    best = max(points.values(), key=lambda point: point.events_per_s)
    return {
        "store": plan.store,
        "batch": plan.batch,
        "seconds_a_point": plan.seconds,
        "rounds": plan.rounds,
        "best": asdict(best),
        "default": _default(plan.store),
        "points": [asdict(point) for point in points.values()],
    }


def measured(given: dict[str, Any], plan: Plan, size: int, in_flight: int, seconds: float, topic: str) -> Point:
    """Append for so long."""
    settings = CassandraSettings.read(**given, **{SETTING[plan.store]: size}, history_in_flight=in_flight)
    source, took_ms, done = batches(plan.batch), list[float](), 0
    with Connection(settings, SystemClock()) as connection:
        store = STORES[plan.store](connection, topic)
        store.append(next(source))
        spent_s = 0.0
        while spent_s < seconds:
            batch = next(source)
            start = time.perf_counter()
            store.append(batch)
            append_s = time.perf_counter() - start
            took_ms.append(append_s * 1e3)
            spent_s += append_s
            done += len(batch)
    p50, p99 = np.percentile(took_ms, [50, 99])
    return Point(size, in_flight, round(done / spent_s), round(float(p50), 1), round(float(p99), 1))


def lines(result: dict[str, Any]) -> list[str]:
    """The result for a person."""
    best, default = result["best"], result["default"]
    latency = f"a micro-batch of {result['batch']:,} takes {best['p50_ms']:g} ms, {best['p99_ms']:g} at the 99th"
    return [
        f"best        {best['size']:,} events a request, {best['in_flight']} in flight: {best['events_per_s']:,}/s",
        f"            {latency}",
        f"default     {default['size']:,} events a request and {default['in_flight']} in flight",
    ]


def _default(store: str) -> dict[str, int]:
    fields = CassandraSettings.model_fields
    return {"size": fields[SETTING[store]].default, "in_flight": fields["history_in_flight"].default}
