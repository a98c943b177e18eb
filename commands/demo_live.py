"""`lab demo --live`: this machine is the data. Learn what is usual for it, then watch it, and stress it if asked to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.demo_live_summary import LiveSummary
from commands.demo_processes import Beat, Program
from commands.demo_stage import Stage
from commands.demo_stress import Stress, Watched
from commands.live_anomalies import LiveAnomalies
from kafka_cluster.dataset import Dataset, Metric
from producer.sources import host

EVERY_S = 0.1  # ten records a second: hours of history in half a minute of demo
WANTED = ("cpu", "disk_write", "network", "loopback")  # that a machine's load shows in within a second
SETTLE_S = 3.0  # the demo's own programs have just started: that is not what is usual
QUIET_S = 8.0  # of the live part, before the stress
STRESS_S = 10.0
AFTER_S = 4.0
LOOK_EVERY_S = 0.1
# Beside the forest, which no single value beyond all that it knows can surprise, what follows each metric by itself.
DETECTORS = """\
# What `lab demo --live` scores with. Change it while it runs (--keep): it is taken up at once.
forest: true
detectors:
  - detector: ensemble
    warm_up: 200
"""


@dataclass(frozen=True)
class LivePlan:
    """What the command line asked for."""

    consumers: int
    learn_s: float  # how long the machine is watched before the model is made
    live_s: float  # … and how long after that, at least
    stress: bool


class LiveDemo:
    """The story of this machine."""

    def __init__(self, plan: LivePlan) -> None:
        self._plan = plan
        # The stress needs its time before, within and after.
        self._live_s = max(plan.live_s, QUIET_S + STRESS_S + AFTER_S) if plan.stress else plan.live_s

    def __call__(self, stage: Stage) -> LiveSummary:
        """All the steps. Raises LabError; KeyboardInterrupt soon after the stop is requested."""
        self._stage, self._steps = stage, stage.steps
        can = host.available()
        self._metrics = tuple(name for name in WANTED if name in can)
        stage.start_servers()
        stage.make_topics(self._metrics)
        stage.start_page({"METRICS": ",".join(self._metrics), "DASHBOARD_DATASET": str(self._describe())})
        trainer, consumers = self._start_programs()
        producer = self._start_producer()
        trained = self._train(trainer)
        with self._steps.step("consumers", "joining the group"):
            self._steps.result(stage.share_partitions(consumers))
        watched = self._watch()
        beats, produced = [consumer.beat() for consumer in consumers], producer.beat()
        return self._summary(trained, beats, produced, watched)

    def _describe(self) -> Path:
        """The metrics' units, for the page: the description of a data set whose files nobody has."""
        path = self._stage.var / "host.json"
        metrics = tuple(
            Metric(name=name, file=f"host/{name}", series=f"host/{name}", unit=host.UNITS[name])
            for name in self._metrics
        )
        why = "this machine, as it runs"
        path.write_text(Dataset(name="host", source="host", why=why, metrics=metrics, labels=None).to_json())
        return path

    def _start_programs(self) -> tuple[Program, list[Program]]:
        """Before the first record, so that their own start is no part of what is usual."""
        with self._steps.step("programs", "starting trainer and consumers"):
            rules = self._stage.var / "detectors.yaml"
            rules.write_text(DETECTORS)
            metrics = {"METRICS": ",".join(self._metrics)}
            records = {"TRAINING_WAIT_FOR": str(round(self._plan.learn_s / EVERY_S)), "TRAINING_FRACTION": "1"}
            few = {"TRAINING_CONTAMINATION": "0.01", "TRAINING_MIN_ROWS": "50"}
            trainer = self._stage.start("consumer_training", "training", {**metrics, **records, **few})
            consumers = self._stage.start_consumers(
                self._plan.consumers, {**metrics, "DETECTORS_FILE": str(rules)}, stays=True
            )
            self._stage.wait_for(trainer, lambda beat: beat["state"] == "reading", "the topic")
            for consumer in consumers:
                self._stage.wait_for(consumer, lambda beat: beat["state"] == "waiting for a model", "the topic")
            self._stage.clock.sleep(SETTLE_S)
            self._steps.result(f"{1 + len(consumers)} programs, waiting for records; detectors: {rules}")
        return trainer, consumers

    def _start_producer(self) -> Program:
        env = {"SOURCE": "host", "SOURCE_EVERY_S": str(EVERY_S), "METRICS": ",".join(self._metrics)}
        return self._stage.start("producer", "producer", env, stays=True)

    def _train(self, trainer: Program) -> Beat:
        records = round(self._plan.learn_s / EVERY_S)
        with self._steps.step("learning", f"watching this machine's {', '.join(self._metrics)}"):
            with self._steps.bar("learning what is usual", records) as progress:

                def fitted(beat: Beat) -> bool:
                    progress.update(progress.task_ids[0], completed=min(records, beat.get("records", 0)))
                    return bool(beat["state"] == "done")

                self._stage.wait_for(trainer, fitted, "a model", longer_s=self._plan.learn_s)
            beat = trainer.beat()
            rows, what = beat["training_rows"], ", ".join(self._metrics)
            self._steps.result(f"{rows} records of {what}, {1 / EVERY_S:.0f} a second; model {beat['version']}")
        return beat

    def _watch(self) -> Watched:
        """The live part."""
        clock, stage = self._stage.clock, self._stage
        watched = Watched(began_s=clock.now())
        with (
            self._steps.step("live", "watching this machine"),
            stage.live_anomalies(note=watched.note, instant="%H:%M:%S") as live,
        ):
            self._steps.say(f"for {self._live_s:.0f} s, at {stage.page} too; anomalies as they come:")
            end = clock.monotonic() + self._live_s
            if self._plan.stress:
                self._follow(live, clock.monotonic() + QUIET_S)
                watched = self._stress(live, watched)
            self._follow(live, end)
            self._steps.result(f"{live.count} anomalies in {self._live_s:.0f} s")
        return watched

    def _stress(self, live: LiveAnomalies, watched: Watched) -> Watched:
        stress = Stress(self._stage, STRESS_S)
        watched.stressed(self._stage.clock.now(), STRESS_S)
        self._steps.say(f"— stress for {STRESS_S:.0f} s: {stress.what} —")
        try:
            stress.start()
            self._follow(live, self._stage.clock.monotonic() + STRESS_S)
        finally:
            stress.stop()
        self._steps.say("— stress over —")
        return watched

    def _follow(self, live: LiveAnomalies, until: float) -> None:
        clock = self._stage.clock
        while (left := until - clock.monotonic()) > 0:
            live.look()
            clock.sleep(min(left, LOOK_EVERY_S))

    def _summary(self, trained: Beat, beats: list[Beat], produced: Beat, watched: Watched) -> LiveSummary:
        keys = ("id", "partitions", "scored", "anomalies")
        consumers: list[dict[str, Any]] = [{key: beat[key] for key in keys} for beat in beats]
        return LiveSummary(
            host=produced["source"].removeprefix("host "),
            metrics=list(self._metrics),
            every_s=EVERY_S,
            produced=produced["delivered"],
            training_rows=trained["training_rows"],
            scored=sum(beat["scored"] for beat in beats),
            dead_letters=sum(beat["dead_letters"] for beat in beats),
            anomalies=len(watched.seen),
            live_s=self._live_s,
            stress=watched.verdict() if self._plan.stress else None,
            consumers=consumers,
            bundle=str(Path(trained["bundle"])),
            logs=str(self._stage.logs),
            cluster_mb=self._stage.servers_mb(),
            page=self._stage.page if self._stage.keep else None,
            seconds=self._steps.seconds,
        )
