"""What the demo did, as data and on one screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Summary:
    """The demo in figures. The field names are those of `lab demo --json`."""

    data: dict[str, Any]  # name, source, why, first and last instant
    produced: int  # records that the broker took
    training_rows: int
    test_rows: int
    scored: int  # by the prediction consumers, committed
    dead_letters: int
    anomalies: int  # committed records of the anomalies topic
    anomalies_in_windows: int | None  # None: the data has no labels
    windows: int | None  # labelled windows in the test part
    windows_found: int | None
    consumers: list[dict[str, Any]]  # id, partitions, scored, anomalies
    plot: str
    bundle: str
    logs: str
    cluster_mb: int  # resident memory of the servers, in 10^6 bytes
    page: str | None  # where the live page is, if it was kept
    seconds: dict[str, float]  # by step

    @property
    def total_s(self) -> float:
        """How long all steps took."""
        return sum(self.seconds.values())


def on_one_screen(summary: Summary) -> str:
    """The summary for a person, less than 25 lines of 100 columns where paths are short."""
    rows = [
        ("data", f"{summary.data['name']}: {summary.data['why']}"),
        ("", f"{summary.data['first']} to {summary.data['last']}, event time"),
        ("produced", f"{summary.produced:,} records"),
        ("trained on", f"{summary.training_rows:,} records, the first 60 %; {summary.test_rows:,} are left to test"),
        ("scored live", f"{summary.scored:,} records, {summary.dead_letters} dead letters"),
        *(("", _consumer(consumer)) for consumer in summary.consumers),
        ("anomalies", f"{summary.anomalies} published{_in_windows(summary)}"),
        ("plot", summary.plot),
        ("model", summary.bundle),
        ("logs", summary.logs),
        *([("page", summary.page)] if summary.page else []),
        ("memory", f"{summary.cluster_mb:,} MB for ZooKeeper, broker and Schema Registry"),
        ("time", _times(summary)),
    ]
    return "\n" + "\n".join(f"  {name:<12} {text}" for name, text in rows)


def _consumer(consumer: dict[str, Any]) -> str:
    held = ", ".join(str(number) for number in consumer["partitions"]) or "none"
    return f"{consumer['id']}: partitions {held}; {consumer['scored']:,} records, {consumer['anomalies']} anomalies"


def _in_windows(summary: Summary) -> str:
    if summary.anomalies_in_windows is None:
        return "; this data has no labels"
    windows = f"{summary.windows_found} of {summary.windows} windows found"
    return f", {summary.anomalies_in_windows} of them inside labelled windows ({windows})"


def _times(summary: Summary) -> str:
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in summary.seconds.items())
    return f"{summary.total_s:.0f} s ({steps})"
