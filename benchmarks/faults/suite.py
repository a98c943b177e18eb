"""All of `lab faults`: one cluster, an undisturbed run, then each fault on the same records, and the table."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.faults import records, volume
from benchmarks.faults.blows import ORDINARY, Blow, kill_server, nothing, server
from benchmarks.faults.compare import Committed, compare
from benchmarks.faults.reading import committed
from benchmarks.faults.run import Load, Run
from consumer_training.settings import TrainingSettings
from kafka_cluster.clock import Clock, SystemClock
from kafka_cluster.embedded.broker import Broker
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.errors import LabError

VOLUME_FULL = "volume-full"
NAMES = (*ORDINARY, VOLUME_FULL)
BLOW_AFTER = 0.35  # of the load's time
MEMBERS_READY_S = 30.0
GIVES_UP_S = 4.0  # a broker without room
DRAIN_S = 45.0  # past the end of the load, before a run is given up


@dataclass(frozen=True)
class Row:
    """One line of the table. All counts are of anomalies and dead letters together; 0 is right."""

    fault: str
    records: int
    anomalies: int
    dead_letters: int
    lost: int
    duplicated: int
    out_of_order: int
    foreign: int  # anomalies that the undisturbed run did not find, or not so
    recovery_s: float | None  # from the blow until all that was there when it was mended is committed; None: never
    restarts: int  # of members
    run_s: float  # all of the run, its preparation included

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing twice, nothing wrong, and it recovered."""
        return not (self.lost or self.duplicated or self.out_of_order or self.foreign) and self.recovery_s is not None


@dataclass(frozen=True)
class Plan:
    """What to break, under which load."""

    faults: Sequence[str]
    records: int
    rate: int
    seed: int
    module: str | None = None  # the members' program, when it is not the usual one


def run_suite(settings: LabSettings, plan: Plan, say: Callable[[str], None]) -> list[Row]:
    """Run every fault of the plan under `settings.lab_var`; nothing runs afterwards. Raises LabError."""
    clock = SystemClock()
    shutil.rmtree(settings.lab_var / "models", ignore_errors=True)
    load = _load(settings.lab_var, plan)
    suite = _Suite(settings, load, clock, say)
    return suite.run(plan.faults)


def _load(var: Path, plan: Plan) -> Load:
    settings = TrainingSettings.read(models_dir=var / "models")
    bundles = {name: records.write_model(name, settings, plan.seed) for name in records.CONTAMINATION}
    dataset = records.lay(var / "data", plan.records, plan.seed)
    given = {} if plan.module is None else {"module": plan.module}
    return Load(plan.records, plan.rate, plan.seed, dataset, settings.models_dir, bundles, **given)


def _apart(settings: LabSettings, name: str) -> LabSettings:
    """The settings of a cluster of its own: another folder, ports that nobody uses."""
    zookeeper, broker, registry = pick_free(3)
    ports = {"lab_zookeeper_port": zookeeper, "lab_broker_port": broker, "lab_registry_port": registry}
    return settings.model_copy(update={"lab_var": settings.lab_var / name, "lab_port_offset": 0, **ports})


@contextmanager
def _cluster(settings: LabSettings) -> Iterator[Cluster]:
    cluster = Cluster(settings)
    cluster.wipe()
    cluster.up(leashed=True)
    try:
        yield cluster
    finally:
        cluster.wipe()


class _Suite:
    def __init__(self, settings: LabSettings, load: Load, clock: Clock, say: Callable[[str], None]) -> None:
        self._settings, self._load, self._clock, self._say = settings, load, clock, say
        self._expected: dict[str, Committed] = {}  # by model

    def run(self, faults: Sequence[str]) -> list[Row]:
        """The rows, in the order of the faults."""
        rows = []
        with _cluster(_apart(self._settings, "main")) as cluster:
            self._undisturbed(cluster, "first")
            for name in (name for name in faults if name in ORDINARY):
                if name == "model-swapped":
                    self._undisturbed(cluster, "second")
                rows.append(self._row(name, ORDINARY[name], cluster))
        if VOLUME_FULL in faults:
            rows.append(self._on_full_volume())
        return rows

    def _undisturbed(self, cluster: Cluster, model: str) -> None:
        run = self._through(f"undisturbed-{model}", nothing, cluster, model)
        found = committed(run.settings)
        if run.restarts or found.letters or not found.anomalies:
            reason = (
                f"{run.restarts} restarts, {sum(found.letters.values())} dead letters, {len(found.anomalies)} anomalies"
            )
            raise LabError("undisturbed run", f"was disturbed: {reason}", f"its logs are under {self._settings.logs}")
        self._expected[model] = found
        self._say(f"undisturbed, {model} model: {len(found.anomalies):,} anomalies")

    def _row(self, name: str, blow: Blow, cluster: Cluster) -> Row:
        begin_s = self._clock.monotonic()
        run = self._through(name, blow, cluster, "first")
        found = committed(run.settings)
        models = ("first", "second") if name == "model-swapped" else ("first",)
        versions = {anomaly.model_version for anomaly in found.anomalies}
        if len(versions) != len(models):
            raise LabError(name, f"anomalies of {len(versions)} models, not {len(models)}", "raise --records")
        letters = records.counted(run.foul)
        differences = compare([self._expected[model].anomalies for model in models], letters, found)
        recovery_s = run.recovery_s()
        row = Row(
            fault=name,
            records=self._load.records + self._load.evolved + len(run.foul),
            anomalies=len(found.anomalies),
            dead_letters=sum(found.letters.values()),
            **differences._asdict(),
            recovery_s=None if recovery_s is None else round(recovery_s, 1),
            restarts=run.restarts,
            run_s=round(self._clock.monotonic() - begin_s, 1),
        )
        self._say(f"{name}: {asdict(row)}")
        return row

    def _through(self, name: str, blow: Blow, cluster: Cluster, model: str) -> Run:
        """One whole run; at its end everything that was produced is committed, or the time is up."""
        run = Run(name, cluster, self._settings.lab_var, self._load, self._clock)
        try:
            run.prepare(model)
            for member in ("one",) if name == "rebalance-storm" else ("one", "two"):
                run.start_member(member)
            run.wait(lambda: all(one.beat().get("partitions") for one in run.members.values()), MEMBERS_READY_S)
            with run.progress:
                run.start_producer()
                run.wait(run.producing, MEMBERS_READY_S)
                if name != "registry-down":  # there it is part of the blow
                    run.send_evolved()
                run.sleep(BLOW_AFTER * self._load.seconds)
                blow(run)
                run.mended()
                if not run.wait(run.done, self._load.seconds + DRAIN_S):
                    self._say(f"{name}: not through within {DRAIN_S:.0f} s after the load: {run.progress.behind()}")
                run.sleep(0.3)  # one more sample of the progress
        finally:
            run.stop()
        return run

    def _on_full_volume(self) -> Row:
        """A cluster whose broker has a small volume for itself, filled to the last byte, then given room again."""
        settings = _apart(self._settings, "small")
        data = settings.lab_var / "cluster" / Broker.name / "data"

        def volume_full(run: Run) -> None:
            run.strike()
            filler = volume.fill(data)
            if not run.wait(lambda: not server(run, Broker.name).running, GIVES_UP_S):
                kill_server(run, Broker.name)  # it may also go on without being able to write
            filler.unlink()
            run.cluster.up(leashed=True)

        shutil.rmtree(settings.lab_var, ignore_errors=True)
        volume.mount(data)
        try:
            with _cluster(settings) as cluster:
                return self._row(VOLUME_FULL, volume_full, cluster)
        finally:
            volume.unmount(data)
