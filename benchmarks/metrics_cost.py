"""What metrics cost a prediction consumer: `python -m benchmarks.metrics_cost [records] [--json]`.

A cluster of its own; one member consumes, scores and commits the same load without metrics, and with metrics that are
scraped every second, in pairs. `ratio` is the median of their rates, `cpu_ratio` that of the processor time a record,
which holds on a machine that others use too; 1 is no cost.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from benchmarks.members import Speed
from benchmarks.stage import SCORING, Stage, stage
from commands.bench import own_lab
from kafka_cluster import log
from kafka_cluster.clock import Stop
from kafka_cluster.embedded.ports import pick_free

RECORDS, KEYS, PARTITIONS, ROUNDS = 2_000_000, 1_000, 4, 5
SCRAPE_EVERY_S = 1.0


def run(records: int) -> dict[str, Any]:
    """Records a second of both, and the ratios."""
    without: list[Speed] = []
    served: list[Speed] = []
    scrapes = 0
    with stage(own_lab(), PARTITIONS, say) as on:
        for turn in range(ROUNDS):
            # Who is first alternates, so that what a machine does over time falls on both.
            for metrics in (turn % 2 == 0, turn % 2 == 1):
                found, looks = _measured(on, records, metrics=metrics)
                (served if metrics else without).append(found)
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
    }


def _measured(on: Stage, records: int, *, metrics: bool) -> tuple[Speed, int]:
    (port,) = pick_free(1)
    with on.load(records, KEYS, PARTITIONS) as load, _scraped(port if metrics else None) as looks:
        found = on.measure(load, SCORING, 1, **({"METRICS_PORT": port} if metrics else {}))
    word = "on" if metrics else "off"
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


def say(text: str) -> None:
    """To a person who waits."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - its progress


def main() -> None:
    """Print it."""
    log.configure("console", "WARNING")
    numbers = [int(text) for text in sys.argv[1:] if text.isdigit()]
    found = run(numbers[0] if numbers else RECORDS)
    if "--json" in sys.argv:
        print(json.dumps(found))  # noqa: T201 - its result
        return
    for name, value in found.items():
        print(f"{name:12} {value}")  # noqa: T201 - its result


if __name__ == "__main__":
    main()
