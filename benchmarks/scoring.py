"""`lab bench scoring`: one run on one cluster, from the raw speed of the client to the committed anomaly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import baselines, quix
from benchmarks.latency import latencies_ms
from benchmarks.load import readings
from benchmarks.members import Speed, advice
from benchmarks.stage import RAW, SCORING, Load, Say, Stage, stage
from commands.demo_processes import start
from kafka_cluster.embedded.settings import LabSettings

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
    latency_s: float = LATENCY_S


def run(lab: LabSettings, plan: Plan, say: Say) -> dict[str, Any]:
    """Start a cluster, measure, stop it; the result is what `--json` prints."""
    with stage(lab, plan.partitions, say) as on:
        result: dict[str, Any] = {"records": plan.records, "consumers": plan.consumers,
                                  "keys": plan.keys, "partitions": plan.partitions}  # fmt: skip
        say(f"{plan.records:,} records, {plan.keys:,} keys, {plan.partitions} partitions: produce, read and drop")
        with on.load(plan.records, plan.keys, plan.partitions) as load:
            raw = on.measure(load, RAW, plan.consumers)
            result |= {"raw_consume_per_s": round(raw.per_s), "produce_per_s": round(load.produce_per_s)}
            peer = _peer(on, load)
        say("the same again: produce, decode, score, commit")
        with on.load(plan.records, plan.keys, plan.partitions) as load:
            scored = on.measure(load, SCORING, plan.consumers)
            result |= _scored(scored, raw)
        if (word := advice(scored)) is not None:
            say(word)
        say("scikit-learn in batches, the flat forest, and one record at a time")
        result |= {
            "sklearn_batch_per_s": round(baselines.sklearn_batch_per_s(on.fitted)),
            "forest_batch_per_s": round(baselines.forest_batch_per_s(on.fitted)),
            "per_record_way_per_s": round(baselines.per_record_way_per_s(on.settings, on.fitted, on.values)),
            "quixstreams_per_s": peer,
        }
        say(f"latency at {plan.rate:,} records/s")
        return result | _latency(on, plan)


def _scored(found: Speed, raw: Speed) -> dict[str, Any]:
    return {
        "scored_per_s": round(found.per_s),
        "ratio_to_raw": round(found.per_s / raw.per_s, 3),
        "cpu_s_per_million": round(found.cpu_s_per_million, 3),
        "rss_mb_start": round(found.rss_mb_start, 1),
        "rss_mb_tenth": round(found.rss_mb_tenth, 1),
        "rss_mb_max": round(found.rss_mb_max, 1),
        "rss_mb_end": round(found.rss_mb_end, 1),
        "window_s": round(found.window_s, 2),
    }


def _peer(on: Stage, load: Load) -> int | None:
    """Quix Streams on the same topic; None, and a word why, where it cannot be had."""
    on.say("Quix Streams: decode only")
    try:
        return round(quix.decode_per_s(load.settings, load.records))
    except quix.NotAvailableError as error:
        on.say(f"no figure for Quix Streams: {error}")
        return None


def _latency(on: Stage, plan: Plan) -> dict[str, Any]:
    env = on.env("bench-latency", PREDICTION_START="latest")
    program = start(SCORING, "bench-latency", on.lab.lab_var, env, leashed=True)
    try:
        on.clock.sleep(SETTLE_S)
        rows = readings(10_000)[1].tolist()
        found = latencies_ms(on.settings, on.registry, rows, plan.rate, plan.latency_s)
    finally:
        program.stop()
    p50, p99 = np.percentile(found, [50, 99]).round(1).tolist() if len(found) else (None, None)
    return {"p50_ms": p50, "p99_ms": p99, "latency_rate_per_s": plan.rate, "latency_samples": len(found)}
