"""What metrics cost a prediction consumer: `python -m benchmarks.metrics_cost [records] [--json]`.

A cluster of its own; one member consumes, scores and commits the same load without metrics, and with metrics that are
scraped every second, in pairs. `ratio` is the median of their rates, `cpu_ratio` that of the processor time a record,
which is steadier on a machine that others use too; 1 is no cost. `meter_share` is what a batch's calls of the meter
take, measured alone, of the processor time of a batch.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import numpy as np

from benchmarks.by_hand import bench, say
from benchmarks.members import Speed
from benchmarks.stage import SCORING, Stage, stage
from commands.bench import own_lab
from kafka_cluster import metrics
from kafka_cluster.clock import Stop
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.exporter import Exporter
from kafka_cluster.outcome import count_outcome
from kafka_cluster.records import Anomaly, Severity

RECORDS, KEYS, PARTITIONS, ROUNDS = 2_000_000, 1_000, 4, 5
SCRAPE_EVERY_S = 1.0
BATCH, MICRO_ROUNDS, MICRO_TURNS = 50_000, 5, 100


def run(records: int) -> dict[str, Any]:
    """Records a second of both, and the ratios."""
    without: list[Speed] = []
    served: list[Speed] = []
    scrapes = 0
    with stage(own_lab(), PARTITIONS, say) as on:
        for turn in range(ROUNDS):
            # Who is first alternates, so that what a machine does over time falls on both.
            for with_metrics in (turn % 2 == 0, turn % 2 == 1):
                found, looks = _measured(on, records, with_metrics=with_metrics)
                (served if with_metrics else without).append(found)
                scrapes += looks
    pairs = list(zip(served, without, strict=True))
    return {
        "records": records,
        "rounds": ROUNDS,
        "off_per_s": round(statistics.median(one.per_s for one in without)),
        "on_per_s": round(statistics.median(one.per_s for one in served)),
        "ratio": round(statistics.median(on.per_s / off.per_s for on, off in pairs), 4),
        "cpu_ratio": round(statistics.median(off.cpu_s_per_million / on.cpu_s_per_million for on, off in pairs), 4),
        "cpu_ratios": [round(off.cpu_s_per_million / on.cpu_s_per_million, 4) for on, off in pairs],
        "scrapes": scrapes,
        **meter_alone(statistics.median(one.cpu_s_per_million for one in without)),
    }


def meter_alone(cpu_s_per_million: float) -> dict[str, float]:
    """The meter's part of a batch, in ms and as a share of the batch's own processor time."""
    meter, scores = Exporter(metrics.PREDICTION), np.random.default_rng(0).normal(0.45, 0.05, BATCH)
    anomalies = [_anomaly()] * (BATCH // 50)

    def batch() -> None:
        with (
            meter.timed(metrics.CONSUMER_BATCH_SECONDS),
            meter.timed(metrics.PREDICTION_SCORING_SECONDS),
            meter.timed(metrics.TRANSACTION_SECONDS),
        ):
            meter.add(metrics.TRANSACTIONS, outcome="committed")
        meter.observe(metrics.CONSUMER_BATCH_RECORDS, BATCH)
        meter.observe(metrics.CONSUMER_DELAY_SECONDS, 0.1)
        meter.observe_all(metrics.PREDICTION_SCORE, scores)
        count_outcome(meter, anomalies, [])
        meter.beat(0.0)

    took_ms = min(_cpu_ms(batch) for _ in range(MICRO_ROUNDS))
    share = took_ms / (cpu_s_per_million * BATCH / 1e6 * 1e3)
    return {"meter_ms": round(took_ms, 3), "meter_share": round(share, 4), "scrape_ms": round(_cpu_ms(meter.text), 2)}


def _cpu_ms(work: Callable[[], object]) -> float:
    start_s = time.process_time()
    for _ in range(MICRO_TURNS):
        work()
    return (time.process_time() - start_s) / MICRO_TURNS * 1e3


def _anomaly() -> Anomaly:
    return Anomaly("", "", 0, 0, None, 0, "forest", "", 1.0, 0.5, Severity.LOW, (), "")


def _measured(on: Stage, records: int, *, with_metrics: bool) -> tuple[Speed, int]:
    (port,) = pick_free(1)
    with on.load(records, KEYS, PARTITIONS) as load, _scraped(port if with_metrics else None) as looks:
        found = on.measure(load, SCORING, 1, **({"METRICS_PORT": port} if with_metrics else {}))
    word = "on" if with_metrics else "off"
    say(f"metrics {word}: {found.per_s:,.0f}/s, {found.cpu_s_per_million:.3f} s of processor time a million")
    return found, len(looks)


@contextmanager
def _scraped(port: int | None) -> Iterator[list[int]]:
    """Somebody looks every second; the sizes of what he got."""
    stop, sizes = Stop(), list[int]()

    def look() -> None:
        while port is not None and not stop.wait(SCRAPE_EVERY_S):
            try:
                sizes.append(len(httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=5).content))
            except httpx2.HTTPError:  # not up yet, or gone already
                continue

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield sizes
    finally:
        stop.request()
        thread.join()


if __name__ == "__main__":
    bench(run, RECORDS)
