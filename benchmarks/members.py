"""Members of a group as processes, and the speed at which they go while all of them work."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from commands.demo_processes import Program, start
from kafka_cluster.clock import Clock
from kafka_cluster.errors import LabError

SAMPLE_EVERY_S = 0.25
TIMEOUT_S = 300.0
MB = 1_000_000


@dataclass
class Track:
    """What one member's heartbeats and the system said of it, sample by sample."""

    at: list[float] = field(default_factory=list)  # seconds since the epoch
    done: list[int] = field(default_factory=list)  # records
    cpu_s: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)

    def sample(self, program: Program) -> None:
        """Take note of a new heartbeat."""
        beat = program.beat()
        found = program.process.find()
        if found is None:
            raise LabError(program.name, "ended during the measurement", f"its log is {program.log}")
        if "scored" not in beat or (self.at and beat["at"] <= self.at[-1]):
            return
        times = found.cpu_times()
        self.at.append(float(beat["at"]))
        self.done.append(int(beat["scored"]))
        self.cpu_s.append(times.user + times.system)
        self.rss_mb.append(found.memory_info().rss / MB)

    def active(self) -> tuple[float, float]:
        """From the last heartbeat before the first record to the first one with the last record."""
        done = np.asarray(self.done)
        first = max(0, int(np.argmax(done > 0)))
        last = int(np.argmax(done == done[-1]))
        return self.at[first], self.at[max(last - 1, first)]


@dataclass(frozen=True)
class Speed:
    """Of all members together, while all of them worked."""

    per_s: float
    window_s: float
    cpu_s_per_million: float
    rss_mb_start: float  # the largest member's
    rss_mb_end: float


def measure(module: str, names: list[str], var: Path, env: dict[str, str], records: int, clock: Clock) -> Speed:
    """Start the members, let them work through `records` records, stop them."""
    programs = [start(module, name, var, env | {"CONSUMER_ID": name}, leashed=True) for name in names]
    tracks = {program.name: Track() for program in programs}
    deadline = clock.monotonic() + TIMEOUT_S
    try:
        while sum(track.done[-1] for track in tracks.values() if track.done) < records:
            if clock.monotonic() > deadline:
                raise LabError(module, f"not through {records:,} records in {TIMEOUT_S:.0f} s", "see its logs")
            for program in programs:
                tracks[program.name].sample(program)
            clock.sleep(SAMPLE_EVERY_S)
    finally:
        for program in programs:
            program.stop()
    return _speed(list(tracks.values()))


def _speed(tracks: list[Track]) -> Speed:
    start_s = max(track.active()[0] for track in tracks)
    end_s = min(track.active()[1] for track in tracks)
    if end_s <= start_s:
        raise LabError("measurement", "the members never worked at the same time", "raise --records")
    done = sum(float(np.diff(np.interp([start_s, end_s], track.at, track.done))[0]) for track in tracks)
    cpu_s = sum(float(np.diff(np.interp([start_s, end_s], track.at, track.cpu_s))[0]) for track in tracks)
    return Speed(
        per_s=done / (end_s - start_s),
        window_s=end_s - start_s,
        cpu_s_per_million=cpu_s / done * 1e6,
        rss_mb_start=max(float(np.interp(start_s, track.at, track.rss_mb)) for track in tracks),
        rss_mb_end=max(track.rss_mb[-1] for track in tracks),
    )
