"""What traces cost a prediction consumer: `python -m benchmarks.tracing [records] [--json]`.

A cluster of its own and a collector that drops what it gets. One member consumes, scores and commits the same load,
with traces off and on in turn; twenty records in 400,000 carry a trace, which is TRACE_LIMIT at full speed. `ratio` is
the median over pairs of the rate with traces on to that with traces off, `cpu_ratio` the same of the processor time a
record, which holds on a machine that others use too.
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.by_hand import bench, say
from benchmarks.load import POOL, fill
from benchmarks.members import Speed
from benchmarks.stage import SCORING, Stage, stage
from commands.bench import own_lab
from kafka_cluster import clients
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.tracing import TraceContext, inject

RECORDS, KEYS, PARTITIONS, ROUNDS = 2_000_000, 1_000, 4, 5
CHUNK, MARKS = 200_000, 10  # records, and how many of them, the first, carry a trace


def run(records: int) -> dict[str, Any]:
    """Records a second with traces off and on, and the ratio."""
    pairs: list[tuple[Speed, Speed]] = []
    with stage(own_lab(), PARTITIONS, say) as on, collector() as (endpoint, got):
        for number in range(ROUNDS):
            sides = [{"TRACES": "off"}, {"TRACES": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}]
            found = [_measure(on, records, side) for side in (sides if number % 2 == 0 else sides[::-1])]
            off, traced = found if number % 2 == 0 else found[::-1]
            pairs.append((off, traced))
            cpu = traced.cpu_s_per_million / off.cpu_s_per_million
            say(f"off {off.per_s:,.0f}, on {traced.per_s:,.0f} records/s; processor time {cpu:.3f} times")
    rates = [traced.per_s / off.per_s for off, traced in pairs]
    return {
        "records": records,
        "pairs": ROUNDS,
        "off_per_s": round(statistics.median(off.per_s for off, _ in pairs)),
        "on_per_s": round(statistics.median(traced.per_s for _, traced in pairs)),
        "ratio": round(statistics.median(rates), 3),
        "ratio_least": round(min(rates), 3),
        "ratio_most": round(max(rates), 3),
        "cpu_ratio": round(statistics.median(on.cpu_s_per_million / off.cpu_s_per_million for off, on in pairs), 3),
        "requests_to_the_collector": len(got),
    }


def _measure(on: Stage, records: int, side: dict[str, str]) -> Speed:
    with on.load(records, KEYS, PARTITIONS, marked) as load:
        return on.measure(load, SCORING, 1, **side)


def marked(settings: KafkaSettings, values: list[bytes], records: int, keys: int) -> float:
    """Fill the topic, some records with a trace of their own; returns the seconds of the filling alone."""
    producer, took_s = clients.producer(settings), 0.0
    for chunk in range(0, records, CHUNK):
        for number in range(chunk + 1, chunk + 1 + MARKS):
            headers = inject(TraceContext(number, number))
            producer.produce(settings.metrics_topic, values[number % POOL], b"marked", headers=list(headers))
        producer.flush()
        took_s += fill(settings, values, min(CHUNK, records - chunk) - MARKS, keys)
    producer.close()
    return took_s


@contextmanager
def collector() -> Iterator[tuple[str, list[int]]]:
    """A server that takes whatever is posted: its address, and the length of each request."""
    got: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(len(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", got
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    bench(run, RECORDS)
