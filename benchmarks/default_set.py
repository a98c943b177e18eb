"""What the default detectors cost beside the forest alone: `python -m benchmarks.default_set [records] [--json]`.

A cluster of its own; one member consumes, scores and commits the same load with the forest alone, and with forest,
rules and CUSUM as detectors.yaml of the checkout says. Runs alternate. `ratio` is that of the median rates, `cpu_ratio`
that of the processor time a record, which holds on a machine that others use too.
"""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.by_hand import bench, say
from benchmarks.load import START_MS, STEP_MS, readings
from benchmarks.stage import SCORING, Stage, stage
from commands.bench import own_lab
from kafka_cluster.codec import Encoder
from kafka_cluster.embedded.settings import CHECKOUT
from kafka_cluster.registry import subject_of
from kafka_cluster.schemas import TIMESTAMP, metric_schema

RECORDS, KEYS, PARTITIONS, ROUNDS = 1_000_000, 1_000, 4, 3
SIDES = {"forest_per_s": "", "default_set_per_s": str(CHECKOUT / "detectors.yaml")}


def run(records: int) -> dict[str, Any]:
    """Records a second of both, and their ratio."""
    rates: dict[str, list[float]] = {name: [] for name in SIDES}
    cpu_s: dict[str, list[float]] = {name: [] for name in SIDES}
    with stage(own_lab(), PARTITIONS, say) as on:
        on.values = _in_time(on, records)
        for _ in range(ROUNDS):
            for name, file in SIDES.items():
                with on.load(records, KEYS, PARTITIONS) as load:
                    more = {"DETECTORS_FILE": file} if file else {}
                    found = on.measure(load, SCORING, 1, **more)
                    rates[name].append(found.per_s)
                    cpu_s[name].append(found.cpu_s_per_million)
                    say(f"{name} {found.per_s:,.0f}, {found.cpu_s_per_million:.2f} s of processor time a million")
    medians = {name: round(statistics.median(its)) for name, its in rates.items()}
    ratio = medians["default_set_per_s"] / medians["forest_per_s"]
    cpu = [statistics.median(cpu_s[name]) for name in SIDES]
    return {
        "records": records,
        "keys": KEYS,
        **medians,
        "ratio": round(ratio, 3),
        "cpu_ratio": round(cpu[0] / cpu[1], 3),
    }


def _in_time(on: Stage, records: int) -> list[bytes]:
    """Values as in `lab bench scoring`, at times that go on: each key speaks every five minutes."""
    schema = metric_schema(on.settings.metrics)
    encoder = Encoder(schema, on.registry.register(subject_of(on.settings.metrics_topic), schema))
    metrics, rows = on.settings.metrics, readings(records)[1].tolist()
    return [
        encoder.encode(dict(zip(metrics, row, strict=True)) | {TIMESTAMP: START_MS + at // KEYS * STEP_MS})
        for at, row in enumerate(rows)
    ]


if __name__ == "__main__":
    bench(run, RECORDS)
