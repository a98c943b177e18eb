"""`lab bench anomalia`: events stored and checked a second, by store, beside what the published system needed.

Broker, Cassandra and one history consumer share this machine. A topic is filled first, so that nothing but they works
while it is measured; the window opens when everything is warm and the keys have values to be checked against.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.stage import Say
from commands.demo_processes import Beat, Program, start, wait_for
from consumer_history.settings import StoreKind
from detectors.cusum import REFERENCE
from kafka_cluster.clock import Clock, Stop, SystemClock
from kafka_cluster.embedded.broker import Broker
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.errors import LabError
from kafka_cluster.prepare import PrepareSettings, prepare
from producer.event_run import run as send_events
from producer.event_settings import EventSettings

HEADLINE_A_DAY = 19_000_000_000  # checks, of the published system
DAY_S = 86_400
PARTITIONS, MB = 4, 1_000_000
# So many events a second the topic is filled for: more than each store has ever taken.
AT_MOST_PER_S: dict[StoreKind, int] = {"memory": 900_000, "rows": 120_000, "chunks": 700_000, "baseline": 20_000}
# The baseline takes seconds for a batch of the usual size, and could not be looked at in between.
BATCH: dict[StoreKind, int] = {"memory": 50_000, "rows": 50_000, "chunks": 50_000, "baseline": 2_000}
TABLES: dict[StoreKind, str] = {"rows": "events", "chunks": "chunks", "baseline": "data_stream"}
WARM_S = 4.0  # compiled code in the Java servers, caches
WARM_AT_MOST_S = 60.0  # for the keys' values
LOOK_EVERY_S = 0.1
JOIN_TIMEOUT_S, RUN_TIMEOUT_S, RECOVERY_TIMEOUT_S = 60.0, 600.0, 300.0


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    stores: tuple[StoreKind, ...]
    seconds: float
    keys: int
    check_probability: str

    @property
    def warm_events(self) -> int:
        """After so many the average key has enough values for a check."""
        return self.keys * (REFERENCE + 1)

    @property
    def events(self) -> int:
        """How many the topic is filled with."""
        fastest = max(AT_MOST_PER_S[store] for store in self.stores)
        return int(fastest * (self.seconds + WARM_S)) + min(self.warm_events, int(fastest * WARM_AT_MOST_S))


@dataclass(frozen=True)
class Sample:
    """A heartbeat of the member, and the CPU time of everybody by then."""

    beat: Beat
    cpu_s: dict[str, float]


def run(lab: LabSettings, plan: Plan, say: Say) -> dict[str, dict[str, Any]]:
    """By store: its figures. The cluster is there for as long as it takes."""
    cluster = Cluster(lab)
    cluster.wipe()
    try:
        say("starting a cluster")
        cluster.up(leashed=True)
        bench = _Bench(lab, cluster, plan, say)
        say(f"{plan.events:,} events of {plan.keys:,} keys: filling the topic")
        bench.fill()
        found = {store: bench.measure(store) for store in sorted(plan.stores, key=lambda one: one != "memory")}
        cluster.down()  # Cassandra writes what it has in memory
        for store, table in TABLES.items():
            if store in found:
                found[store]["history_mb"] = round(bytes_of(lab.lab_var, table) / MB, 1)
        return {store: found[store] for store in plan.stores}
    finally:
        cluster.wipe()
        shutil.rmtree(lab.lab_var, ignore_errors=True)


class _Bench:
    def __init__(self, lab: LabSettings, cluster: Cluster, plan: Plan, say: Say) -> None:
        self._lab, self._cluster, self._plan, self._say = lab, cluster, plan, say
        self._clock: Clock = SystemClock()
        self._env = cluster.info.env()
        self._topic: dict[str, float] = {}

    def fill(self) -> None:
        given: dict[str, Any] = {name.lower(): value for name, value in self._env.items()}
        prepare(PrepareSettings.read(**given, partitions=PARTITIONS), self._clock)
        settings = EventSettings.read(**given, event_keys=self._plan.keys, event_records=self._plan.events)
        before_s = self._broker_cpu_s()
        send_events(settings, self._clock, Stop())
        cpu_s = self._broker_cpu_s() - before_s
        self._topic = {
            "broker_us_per_event_written": round(cpu_s / self._plan.events * 1e6, 3),
            "topic_bytes_per_event": round(
                log_bytes_of(self._lab.lab_var, settings.events_topic) / self._plan.events, 1
            ),
        }

    def measure(self, store: StoreKind) -> dict[str, Any]:
        if store in TABLES:
            self._env = self._cluster.up(leashed=True, extra=("cassandra",)).env()
        self._say(f"{store}: storing and checking")
        program = self._start(store)
        try:
            first, last = self._window(program, WARM_S if store in TABLES else WARM_S / 4)
        finally:
            program.stop()
        self._say(f"{store}: starting again from what is stored")
        program = self._start(store)
        try:
            again = wait_for(program, _ready, "a state", RECOVERY_TIMEOUT_S, self._clock)
        finally:
            program.stop()
        found = figures(first, last, again)
        found["measured"] |= self._topic
        return found

    def _broker_cpu_s(self) -> float:
        return sum(_cpu_s(server.pid) for server in self._cluster.status() if server.name == Broker.name)

    def _start(self, store: StoreKind) -> Program:
        own = {
            "HISTORY_STORE": store, "HISTORY_GROUP": f"bench-{store}", "CONSUMER_ID": f"bench-{store}",
            "HISTORY_BATCH": str(BATCH[store]), "HISTORY_LOG_LIMIT": "0", "LOG_LEVEL": "WARNING",
            "CHECK_PROBABILITY": self._plan.check_probability, "HEARTBEAT_EVERY_S": str(LOOK_EVERY_S),
        }  # fmt: skip
        return start("consumer_history", f"bench-{store}", self._lab.lab_var, self._env | own, leashed=True)

    def _window(self, program: Program, warm_s: float) -> tuple[Sample, Sample]:
        """The samples between which it counts."""
        wait_for(program, lambda beat: beat.get("stored", 0) > 0, "events", JOIN_TIMEOUT_S, self._clock)
        began_s = self._clock.now()
        first = last = self._sample(program)
        while last.beat["at"] < first.beat["at"] + self._plan.seconds and self._left(last):
            self._clock.sleep(LOOK_EVERY_S)
            sample = self._sample(program)
            if sample.beat["at"] == last.beat["at"]:
                continue
            last = sample
            warm = last.beat["stored"] >= self._plan.warm_events or last.beat["at"] >= began_s + WARM_AT_MOST_S
            if not warm or last.beat["at"] < began_s + warm_s:
                first = last
            if self._clock.now() > began_s + RUN_TIMEOUT_S:
                raise LabError(program.name, f"no end after {RUN_TIMEOUT_S:.0f} s", f"its log is {program.log}")
        return first, last

    def _left(self, sample: Sample) -> bool:
        return bool(sample.beat["stored"] + BATCH["memory"] < self._plan.events)

    def _sample(self, program: Program) -> Sample:
        if not program.process.is_alive():
            raise LabError(program.name, "ended during the measurement", f"its log is {program.log}")
        beat = program.beat()
        pids = {server.name: server.pid for server in self._cluster.status() if server.running}
        return Sample(beat, {name: _cpu_s(pid) for name, pid in {**pids, "worker": program.process.pid}.items()})


def figures(first: Sample, last: Sample, again: Beat) -> dict[str, Any]:
    """What is printed of a store, from the two ends of its window and the heartbeat of a restarted member."""
    seconds = last.beat["at"] - first.beat["at"]
    if seconds <= 0:
        raise LabError("measurement", "it was over before it had begun", "give it more --seconds")

    def per_s(name: str) -> float:
        return float((last.beat[name] - first.beat[name]) / seconds)

    cpu = {name: (last.cpu_s[name] - first.cpu_s[name]) / seconds for name in last.cpu_s}
    cores, checks_per_s = sum(cpu.values()), per_s("checked")
    a_day = checks_per_s * DAY_S
    return {
        "events_per_s": round(per_s("stored")),
        "checks_per_s": round(checks_per_s),
        "rows_per_s": round(per_s("rows")),
        "history_mb": last.beat["history_mb"],
        "recover_s": again["rebuild_s"],
        "cores": round(cores, 2),
        "checks_per_day": round(a_day),
        "cores_for_19_billion_a_day": round(cores * HEADLINE_A_DAY / a_day, 2) if a_day else None,
        "measured": {
            "seconds": round(seconds, 2),
            "events": last.beat["stored"],
            "recovered_events": again["rebuilt"],
            "keys": last.beat["keys"],
            "memory_mb": last.beat["history_mb"],
            "cores": {name: round(used, 2) for name, used in cpu.items()},
        },
    }


def _ready(beat: Beat) -> bool:
    return len(beat.get("partitions", ())) == PARTITIONS and beat["state"] == "checking"


def _cpu_s(pid: int) -> float:
    with suppress(psutil.NoSuchProcess):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return 0.0


def log_bytes_of(var: Path, topic: str) -> int:
    """What the broker's segments of a topic occupy."""
    return sum(file.stat().st_size for file in var.rglob(f"{topic}-*/*.log"))


def bytes_of(var: Path, table: str) -> int:
    """What the files of a table occupy."""
    files = (file for folder in var.rglob(f"{table}-*") for file in folder.rglob("*.db"))
    return sum(file.stat().st_size for file in files)


def lines(found: dict[str, dict[str, Any]]) -> Sequence[str]:
    """The figures as a table."""
    names = [name for name in next(iter(found.values())) if name != "measured"]
    rows = [f"{name:<28}" + "".join(_cell(one[name]) for one in found.values()) for name in names]
    return [" " * 28 + "".join(f"{store:>18}" for store in found), *rows]


def _cell(value: Any) -> str:
    return f"{'-' if value is None else format(value, ','):>18}"
