"""Members of a group as processes, and the speed at which they go while all of them work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from commands.demo_processes import Beat, Program, start
from kafka_cluster.clock import Clock
from kafka_cluster.errors import LabError

# Often enough for a run of a second, seldom enough to cost half a per cent.
SAMPLE_EVERY_S = 0.05
JOIN_TIMEOUT_S = 60.0
TIMEOUT_S = 300.0
GOOD_WINDOW_S = 4.0  # what a member does twice a second (a full commit, a page of the log) is well averaged
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
        """From the last heartbeat before the first record to the last one before its last record, if there is one.

        The heartbeat with the last record comes late: after a wait for more. Only where a member was through between
        two heartbeats does it have to do.
        """
        done = np.asarray(self.done)
        first = max(0, int(np.argmax(done > 0)) - 1)
        last = int(np.argmax(done == done[-1]))
        return self.at[first], self.at[last - 1 if last - 1 > first else last]


@dataclass(frozen=True)
class Speed:
    """Of all members together, while all of them worked."""

    per_s: float
    window_s: float
    cpu_s_per_million: float
    rss_mb_start: float  # the largest member's
    rss_mb_tenth: float  # when a tenth of its records were done: from there on it should not grow
    rss_mb_max: float
    rss_mb_end: float


def measure(
    module: str,
    names: list[str],
    var: Path,
    env: dict[str, str],
    records: int,
    partitions: int,
    go: Callable[[], None],
    clock: Clock,
) -> Speed:
    """Start the members, say `go` once they hold the partitions, let them work through `records`, stop them."""
    often = {"HEARTBEAT_EVERY_S": str(SAMPLE_EVERY_S)}
    programs = [start(module, name, var, env | often | {"CONSUMER_ID": name}, leashed=True) for name in names]
    tracks = {program.name: Track() for program in programs}
    try:
        _until(lambda: shared([program.beat() for program in programs], partitions), programs, clock)
        _sample(programs, tracks)  # so that each has a heartbeat from before its first record
        go()
        deadline = clock.monotonic() + TIMEOUT_S
        while sum(track.done[-1] for track in tracks.values() if track.done) < records:
            if clock.monotonic() > deadline:
                raise LabError(module, f"not through {records:,} records in {TIMEOUT_S:.0f} s", "see its logs")
            clock.sleep(SAMPLE_EVERY_S)
            _sample(programs, tracks)
    finally:
        for program in programs:
            program.stop()
    return speed(list(tracks.values()), records)


def shared(beats: list[Beat], partitions: int) -> bool:
    """True when the members hold all partitions, none of them twice and nobody more than his share."""
    held = [beat.get("partitions", ()) for beat in beats]
    most = -(-partitions // len(beats))
    return sorted(number for mine in held for number in mine) == list(range(partitions)) and max(map(len, held)) <= most


def speed(tracks: list[Track], records: int) -> Speed:
    """The speed in the window in which all members that did anything worked. Raises LabError if there is none."""
    tracks = [track for track in tracks if track.done and track.done[-1] > 0]
    start_s = max(track.active()[0] for track in tracks)
    end_s = min(track.active()[1] for track in tracks)
    if end_s <= start_s:
        reason = f"{records:,} records are too few: one member was through before another began"
        raise LabError("measurement", reason, f"try --records {4 * records}")
    done = sum(float(np.diff(np.interp([start_s, end_s], track.at, track.done))[0]) for track in tracks)
    cpu_s = sum(float(np.diff(np.interp([start_s, end_s], track.at, track.cpu_s))[0]) for track in tracks)
    return Speed(
        per_s=done / (end_s - start_s),
        window_s=end_s - start_s,
        cpu_s_per_million=cpu_s / done * 1e6,
        rss_mb_start=max(float(np.interp(start_s, track.at, track.rss_mb)) for track in tracks),
        rss_mb_tenth=max(float(np.interp(track.done[-1] / 10, track.done, track.rss_mb)) for track in tracks),
        rss_mb_max=max(max(track.rss_mb) for track in tracks),
        rss_mb_end=max(track.rss_mb[-1] for track in tracks),
    )


def advice(found: Speed) -> str | None:
    """What to say of a window that is too short for a good figure."""
    if found.window_s >= GOOD_WINDOW_S:
        return None
    enough = int(found.per_s * GOOD_WINDOW_S * 1.2)
    return f"measured over {found.window_s:.1f} s: a rough figure; --records {round(enough, -5)} makes a good one"


def _sample(programs: list[Program], tracks: dict[str, Track]) -> None:
    for program in programs:
        tracks[program.name].sample(program)


def _until(reached: Callable[[], bool], programs: list[Program], clock: Clock) -> None:
    deadline = clock.monotonic() + JOIN_TIMEOUT_S
    while not reached():
        for program in programs:
            if not program.process.is_alive():
                raise LabError(program.name, "ended before it had joined", f"its log is {program.log}")
        if clock.monotonic() > deadline:
            reason = f"the partitions were not shared in {JOIN_TIMEOUT_S:.0f} s"
            raise LabError("members", reason, f"see {programs[0].log.parent}")
        clock.sleep(SAMPLE_EVERY_S)
