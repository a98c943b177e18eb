"""The figures of a model's evaluation, as metrics: training tells its own, prediction those of its champion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafka_cluster import metrics
from kafka_cluster.meter import Meter, Values


def tell_evaluation(meter: Meter, evaluation: Mapping[str, Any]) -> None:
    """`evaluation`: the content of evaluation.json; empty, or without labels, what it does not tell is not served."""
    figures = {
        metrics.MODEL_ALERT_RATIO: evaluation.get("alert_rate"),
        metrics.MODEL_FALSE_ALARMS: evaluation.get("false_alarms"),
        metrics.MODEL_DELAY_SECONDS: evaluation.get("median_delay_s"),
    }
    for gauge, value in figures.items():
        meter.replace(gauge, {} if value is None else {(): float(value)})
    windows: dict[Values, float] = {
        (outcome,): float(evaluation[outcome])
        for outcome in metrics.WINDOWS.values
        if evaluation.get(outcome) is not None
    }
    meter.replace(metrics.MODEL_WINDOWS, windows)
