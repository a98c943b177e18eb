"""`lab bench scoring`: one run on one cluster, from the raw speed of the client to the committed anomaly."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import baselines
from benchmarks.latency import latencies_ms
from benchmarks.load import encoded, fill, readings
from benchmarks.members import measure
from commands.demo_processes import start
from consumer_training.fit import Fitted, fit
from consumer_training.publish import announce, write_bundle
from consumer_training.rows import Rows, Split
from consumer_training.settings import TrainingSettings
from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.prepare import PrepareSettings, prepare, wait_for_registry
from kafka_cluster.settings import KafkaSettings

TRAINING_ROWS = 20_000
CONTAMINATION = 0.02
LATENCY_S = 10.0
SETTLE_S = 6.0  # for a member to load its model and join


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    records: int
    consumers: int
    keys: int
    partitions: int
    rate: int  # records/s of the latency measurement
    latency: bool = True


def run(settings: LabSettings, plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Start a cluster under `settings.lab_var`, measure, stop it; the result is what `--json` prints."""
    cluster = Cluster(settings)
    cluster.wipe()
    shutil.rmtree(settings.lab_var / "models", ignore_errors=True)
    info = cluster.up(leashed=True)
    try:
        return _Bench(settings, plan, info.env(), say).run()
    finally:
        cluster.wipe()


class _Bench:
    def __init__(self, lab: LabSettings, plan: Plan, addresses: dict[str, str], say: Callable[[str], None]) -> None:
        self._lab, self._plan, self._say = lab, plan, say
        self._given: dict[str, Any] = {name.lower(): value for name, value in addresses.items()}
        self._settings = KafkaSettings.read(**self._given)
        self._env = {**addresses, "MODELS_DIR": str(lab.lab_var / "models"), "PREDICTION_START": "earliest",
                     "LOG_LEVEL": "WARNING", "PREDICTION_LOG_LIMIT": "0"}  # fmt: skip
        self._clock = SystemClock()

    def run(self) -> dict[str, Any]:
        plan = self._plan
        prepare(PrepareSettings.read(**self._given, partitions=plan.partitions), self._clock)
        with wait_for_registry(self._settings, self._clock) as registry:
            fitted = self._publish_model()
            values = encoded(self._settings, registry)
            self._say(f"producing {plan.records:,} records over {plan.keys:,} keys and {plan.partitions} partitions")
            produced_s = fill(self._settings, values, plan.records, plan.keys)
            names = [f"bench-{number}" for number in range(1, plan.consumers + 1)]
            self._say(f"{plan.consumers} raw consumers: read and drop")
            raw = self._measure("benchmarks.raw_consumer", names, "raw")
            self._say(f"{plan.consumers} prediction consumers: decode, score, commit")
            scored = self._measure("consumer_prediction", names, "scored")
            result = {
                "records": plan.records, "consumers": plan.consumers, "keys": plan.keys, "partitions": plan.partitions,
                "raw_consume_per_s": round(raw.per_s),
                "produce_per_s": round(plan.records / produced_s),
                "scored_per_s": round(scored.per_s),
                "ratio_to_raw": round(scored.per_s / raw.per_s, 3),
                "sklearn_batch_per_s": round(baselines.sklearn_batch_per_s(fitted)),
                "forest_batch_per_s": round(baselines.forest_batch_per_s(fitted)),
                "per_record_way_per_s": round(baselines.per_record_way_per_s(self._settings, fitted, values)),
                "cpu_s_per_million": round(scored.cpu_s_per_million, 3),
                "rss_mb_start": round(scored.rss_mb_start, 1),
                "rss_mb_end": round(scored.rss_mb_end, 1),
                "window_s": round(scored.window_s, 1),
            }  # fmt: skip
            if plan.latency:
                self._say(f"latency at {plan.rate:,} records/s")
                result |= self._latency(registry)
        return result

    def _measure(self, module: str, names: list[str], group: str) -> Any:
        env = self._env | {"PREDICTION_GROUP": f"bench-{group}"}
        return measure(module, names, self._lab.lab_var, env, self._plan.records, self._clock)

    def _publish_model(self) -> Fitted:
        training = TrainingSettings.read(
            **self._given, training_contamination=CONTAMINATION, models_dir=self._lab.lab_var / "models"
        )
        times, values = readings(TRAINING_ROWS)
        index = np.arange(TRAINING_ROWS, dtype=np.int64)
        rows = Rows(times, values, index * 0, index)
        fitted = fit(rows, training, "bench")
        written = write_bundle(fitted, Split(rows, rows[:0], {}), training, {})
        announce(training, self._clock, written, None)
        return fitted

    def _latency(self, registry: Any) -> dict[str, Any]:
        env = self._env | {"PREDICTION_GROUP": "bench-latency", "PREDICTION_START": "latest"}
        program = start("consumer_prediction", "bench-latency", self._lab.lab_var, env, leashed=True)
        try:
            self._clock.sleep(SETTLE_S)
            rows = readings(10_000)[1].tolist()
            found = latencies_ms(self._settings, registry, rows, self._plan.rate, LATENCY_S)
        finally:
            program.stop()
        p50, p99 = np.percentile(found, [50, 99]) if len(found) else (float("nan"), float("nan"))
        return {"p50_ms": round(float(p50), 1), "p99_ms": round(float(p99), 1),
                "latency_rate_per_s": self._plan.rate, "latency_samples": len(found)}  # fmt: skip
