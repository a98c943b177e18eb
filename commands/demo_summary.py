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

    def on_one_screen(self) -> str:
        """The summary for a person, less than 25 lines of 100 columns where paths are short."""
        rows = [
            ("data", f"{self.data['name']}: {self.data['why']}"),
            ("", f"{self.data['first']} to {self.data['last']}, event time"),
            ("produced", f"{self.produced:,} records"),
            ("trained on", f"{self.training_rows:,} records, the first 60 %; {self.test_rows:,} are left to test"),
            ("scored live", f"{self.scored:,} records, {self.dead_letters} dead letters"),
            *(("", consumer_line(consumer)) for consumer in self.consumers),
            ("anomalies", f"{self.anomalies} published{_in_windows(self)}"),
            ("plot", self.plot),
            ("model", self.bundle),
            ("logs", self.logs),
            *([("page", self.page)] if self.page else []),
            ("memory", f"{self.cluster_mb:,} MB for ZooKeeper, broker and Schema Registry"),
            ("time", times_line(self.seconds)),
        ]
        return on_screen(rows)


def on_screen(rows: list[tuple[str, str]]) -> str:
    """Rows of a name and a text."""
    return "\n" + "\n".join(f"  {name:<12} {text}" for name, text in rows)


def consumer_line(consumer: dict[str, Any]) -> str:
    """What one prediction consumer did."""
    held = ", ".join(str(number) for number in consumer["partitions"]) or "none"
    return f"{consumer['id']}: partitions {held}; {consumer['scored']:,} records, {consumer['anomalies']} anomalies"


def _in_windows(summary: Summary) -> str:
    if summary.anomalies_in_windows is None:
        return "; this data has no labels"
    windows = f"{summary.windows_found} of {summary.windows} windows found"
    return f", {summary.anomalies_in_windows} of them inside labelled windows ({windows})"


def times_line(seconds: dict[str, float]) -> str:
    """All steps together, and each."""
    steps = ", ".join(f"{name} {taken:.1f}" for name, taken in seconds.items())
    return f"{sum(seconds.values()):.0f} s ({steps})"
