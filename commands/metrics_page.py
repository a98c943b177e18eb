"""docs/metrics.md: every metric with its labels, from the vocabulary. `commands.reference` writes it."""

from __future__ import annotations

from collections.abc import Iterator

from commands.lab_settings import CHECKOUT
from kafka_cluster import metrics
from kafka_cluster.metric_kinds import Label, Metric

PAGE = CHECKOUT / "docs" / "metrics.md"
INTRODUCTION = """# Metrics

Every metric that a program of the lab serves, with its labels; `python -m commands.reference` writes this page from
`kafka_cluster/metrics.py`. Behind a label stand its values, or how many it has at most, `other` for those beyond.
Prometheus' client adds `process_…` on processor, memory and open files.
[`how-to/monitoring.md`](how-to/monitoring.md) tells what to look at first.

| metric | kind | labels | served by | what |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return INTRODUCTION + "\n".join(_row(metric) for metric in metrics.VOCABULARY) + "\n"


def _row(metric: Metric) -> str:
    kind = type(metric).__name__.lower()
    cells = (f"`{metric.name}`", kind, " ".join(map(_label, metric.labels)), _by(metric), metric.help)
    return "| " + " | ".join(cells) + " |"


def _label(label: Label) -> str:
    values = ", ".join(label.values) if label.values else f"at most {label.limit}"
    return f"`{label.name}` ({values})"


def _by(metric: Metric) -> str:
    return "every program" if metric.by == metrics.ALL else ", ".join(_names(metric))


def _names(metric: Metric) -> Iterator[str]:
    for program in metric.by:
        yield f"`{program}`"
