"""The stress of `lab demo --stress`: work that is announced, bounded and niced, and whether it was found."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from typing import Any

from commands import stress_worker
from commands.demo_stage import Stage
from kafka_cluster.embedded import process
from kafka_cluster.records import Anomaly

MB = 1e6
AFTERGLOW_MS = 500  # the record that holds the end of the stress
BEYOND_CHANCE = 3.0  # times as many strange records as the quiet seconds make expect
STOP_TIMEOUT_S = 5.0


class Stress:
    """The worker process, on a leash: it dies with the demo, and ends by itself when its time is over."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        self._stage, self._seconds = stage, seconds
        self._worker: process.Process | None = None
        disk, loopback = stress_worker.DISK_BYTES_S / MB, stress_worker.LOOPBACK_BYTES_S / MB
        self.what = (
            f"all cores at nice {stress_worker.NICE}, up to {disk:.0f} MB/s to a file that is gone afterwards, "
            f"up to {loopback:.0f} MB/s over loopback"
        )

    def start(self) -> None:
        """Begin. Main thread only, because of the leash."""
        command = [sys.executable, "-m", "commands.stress_worker", str(self._seconds), str(self._stage.var)]
        self._worker = process.spawn("stress", command, self._stage.logs / "stress.log", leashed=True)

    def stop(self) -> None:
        """End it, if it has not ended by itself."""
        if self._worker is not None:
            process.stop(self._worker, STOP_TIMEOUT_S)


@dataclass(frozen=True)
class Seen:
    """An anomaly, and when it was read from the topic."""

    time_ms: int
    seen_s: float


@dataclass(frozen=True)
class Verdict:
    """Whether the stress was found. Times are seconds after it began."""

    found: bool
    records: int  # within the stress that any detector called strange
    before: int  # … in the quiet seconds before it
    by_chance: float  # how many within the stress those make expect
    first_record_s: float | None  # event time of the first
    seen_s: float | None  # when the demo had read it from the topic


@dataclass
class Watched:
    """What the live part saw. Instants are seconds since the epoch, UTC."""

    began_s: float
    seen: list[Seen] = field(default_factory=list)
    _stress: tuple[float, float] | None = None

    def note(self, anomaly: Anomaly, now_s: float) -> None:
        """An anomaly was read from the topic."""
        self.seen.append(Seen(anomaly.timestamp, now_s))

    def stressed(self, at_s: float, for_s: float) -> None:
        """The stress begins now, for so long."""
        self._stress = at_s, at_s + for_s

    def verdict(self) -> dict[str, Any] | None:
        """Whether it was found; None when there was none."""
        return None if self._stress is None else asdict(judge(self.seen, self.began_s, *self._stress))


def judge(seen: list[Seen], began_s: float, start_s: float, end_s: float) -> Verdict:
    """Found is a stress with clearly more strange records in it than chance would put there.

    Chance is the rate of the quiet seconds from `began_s` to `start_s`. Anomalies of records before `began_s` do not
    count.
    """
    inside = [one for one in seen if start_s * 1000 <= one.time_ms <= end_s * 1000 + AFTERGLOW_MS]
    records = len({one.time_ms for one in inside})  # one that two detectors agree on is one
    before = len({one.time_ms for one in seen if began_s * 1000 <= one.time_ms < start_s * 1000})
    by_chance = before * (end_s - start_s) / (start_s - began_s)
    first = min(inside, key=lambda one: one.seen_s, default=None)
    return Verdict(
        found=records > 0 and records >= BEYOND_CHANCE * by_chance,
        records=records,
        before=before,
        by_chance=round(by_chance, 2),
        first_record_s=None if first is None else round(first.time_ms / 1000 - start_s, 2),
        seen_s=None if first is None else round(first.seen_s - start_s, 2),
    )
