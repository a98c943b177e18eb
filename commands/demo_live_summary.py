"""What `lab demo --live` did, as data and on one screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.demo_summary import consumer_line, on_screen, times_line


@dataclass(frozen=True)
class LiveSummary:
    """The live demo in figures. The field names are those of `lab demo --live --json`."""

    host: str
    metrics: list[str]
    every_s: float  # from one record to the next
    produced: int  # records that the broker took
    training_rows: int
    scored: int  # by the prediction consumers, committed
    dead_letters: int
    anomalies: int  # seen in the live part
    live_s: float
    stress: dict[str, Any] | None  # whether and when it was found; None: it was not asked for
    consumers: list[dict[str, Any]]  # id, partitions, scored, anomalies
    bundle: str
    logs: str
    cluster_mb: int  # resident memory of the servers, in 10^6 bytes
    page: str | None  # where the live page is, if it was kept
    seconds: dict[str, float]  # by step

    def on_one_screen(self) -> str:
        """The summary for a person."""
        rows = [
            ("host", f"{self.host}: {', '.join(self.metrics)}, every {self.every_s:g} s"),
            ("produced", f"{self.produced:,} records"),
            ("trained on", f"{self.training_rows:,} records, the first ones"),
            ("scored live", f"{self.scored:,} records, {self.dead_letters} dead letters"),
            *(("", consumer_line(consumer)) for consumer in self.consumers),
            ("anomalies", f"{self.anomalies} in {self.live_s:.0f} s"),
            *([("stress", stress_line(self.stress))] if self.stress else []),
            ("model", self.bundle),
            ("logs", self.logs),
            *([("page", self.page)] if self.page else []),
            ("memory", f"{self.cluster_mb:,} MB for ZooKeeper, broker and Schema Registry"),
            ("time", times_line(self.seconds)),
        ]
        return on_screen(rows)


def stress_line(verdict: dict[str, Any]) -> str:
    """Whether it was found."""
    strange = f"{verdict['records']} strange records within it, {verdict['before']} in the quiet seconds before"
    if not verdict["found"]:
        return f"NOT found: {strange}"
    when = f"{verdict['seen_s']:.1f} s after it began (a record of {verdict['first_record_s']:.1f} s after)"
    return f"found {when}; {strange}"
