"""The demo, step by step: data, servers, topics, history, training, consumers, live, evaluation."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from commands.demo_processes import Beat, Program, start, wait_for
from commands.demo_summary import Summary
from commands.kept_page import start_page, stop_page
from commands.live_anomalies import LiveAnomalies
from commands.steps import InterruptedClock, Steps
from consumer_training.evaluate import inside_windows
from consumer_training.publish import EVALUATION_JSON, EVALUATION_PNG
from consumer_training.settings import TrainingSettings
from kafka_cluster import dataset as datasets
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.dataset import Dataset
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.prepare import PrepareSettings, prepare, wait_for_registry
from kafka_cluster.read_topic import read_topic
from kafka_cluster.records import Anomaly
from kafka_cluster.settings import KafkaSettings
from producer.data_settings import DataSettings
from producer.load import load
from producer.merge import Merged
from producer.prepare import prepare as prepare_data
from producer.replay import part, replay
from producer.send import MetricSender
from producer.settings import ReplaySettings

KEYS = 32  # so many that each of four partitions has its share
PARTITIONS = 4
TIMEOUT_S = 60.0
SHOWN_LIVE = 12  # anomalies that are told as they come; the rest are counted
MB = 1_000_000


@dataclass(frozen=True)
class DemoPlan:
    """What the command line asked for."""

    consumers: int
    live_s: float  # how long the live part is to take
    keep: bool


def run_demo(settings: LabSettings, plan: DemoPlan, stop: Stop) -> Summary:
    """Run it all under `settings.lab_var`; nothing runs afterwards, unless `keep`.

    Raises LabError; KeyboardInterrupt soon after the stop is requested.
    """
    demo = Demo(settings, plan, stop)
    try:
        summary = demo.run()
    except BaseException:  # Ctrl-C too
        demo.stop(cluster=True)
        raise
    demo.stop(cluster=not plan.keep)
    return summary


class Demo:
    """One run. What is started is noted at once, so that `stop` finds it however far the run came."""

    def __init__(self, settings: LabSettings, plan: DemoPlan, stop: Stop) -> None:
        self._settings, self._plan, self._stop = settings, plan, stop
        self._clock: Clock = InterruptedClock(stop)
        self._var = settings.lab_var
        self._cluster = Cluster(settings)  # with a clock of its own, which still sleeps in the clean-up
        self._env: dict[str, str] = {}
        self._programs: list[Program] = []
        self.steps = Steps(self._clock)
        self.page: str | None = None  # its address, where it was started

    def run(self) -> Summary:
        """All the steps."""
        dataset, records = self._prepare_data()
        self._start_servers()
        self._make_topics(records)
        if self._plan.keep:
            self._start_page(dataset)
        split = int(TrainingSettings.read().training_fraction * len(records.times_ms))
        first, rest = _cut(records, split)
        with self._sender(records) as sender:
            self._replay_history(dataset, first, sender)
            trainer = self._train(dataset, len(records.times_ms))
            consumers = self._start_consumers()
            self._replay_live(dataset, rest, sender, consumers)
        trained = self._evaluate(trainer)
        beats = self._stop_consumers(consumers)
        return self._summary(dataset, records, sender.delivered, trained, beats)

    def stop(self, *, cluster: bool) -> None:
        """Stop what runs: the programs, and the servers too when `cluster`."""
        for program in reversed(self._programs):
            program.stop()
        if cluster:
            stop_page(self._settings)
            self._cluster.down()

    def _prepare_data(self) -> tuple[Dataset, Merged]:
        with self.steps.step("data", "looking for the series"):
            given = DataSettings.read(lab_data=self._settings.lab_data, lab_cache=self._settings.lab_cache)
            dataset = prepare_data(self._var / "data", given)
            records = load(dataset)
            metrics = ", ".join(records.names)
            self.steps.result(f"{len(records.times_ms):,} records of {metrics}, {dataset.why}")
        return dataset, records

    def _start_servers(self) -> None:
        with self.steps.step("servers", "starting ZooKeeper, broker and Schema Registry"):
            stop_page(self._settings)  # what an earlier demo left
            self._cluster.wipe()
            info = self._cluster.up(leashed=not self._plan.keep)
            self._env = info.env()
            self.steps.result(f"ZooKeeper {info.zookeeper}, broker {info.bootstrap_servers}, {info.registry_url}")

    def _make_topics(self, records: Merged) -> None:
        with self.steps.step("topics", "making topics and registering schemas"):
            settings = PrepareSettings.read(partitions=PARTITIONS, metrics=records.names, **self._addresses())
            specs = prepare(settings, self._clock)
            self.steps.result(", ".join(f"{spec.name} ({spec.partitions})" for spec in specs))

    def _start_page(self, dataset: Dataset) -> None:
        with self.steps.step("page", "starting the live page"):
            env = self._env | {
                "METRICS": ",".join(metric.name for metric in dataset.metrics),
                "DASHBOARD_DATASET": str(self._var / "data" / datasets.DATASET_FILE),
                "MODELS_DIR": str(self._var / "models"),
            }
            page = start_page(self._settings, env)
            self.page = str(wait_for(page, lambda beat: "url" in beat, "an address", TIMEOUT_S, self._clock)["url"])
            self.steps.result(f"{self.page} shows what follows")

    @contextmanager
    def _sender(self, records: Merged) -> Iterator[MetricSender]:
        settings = KafkaSettings.read(**self._addresses())
        with wait_for_registry(settings, self._clock) as registry:
            sender = MetricSender(settings, registry, records.names)
            try:
                yield sender
            finally:
                sender.close()

    def _replay_history(self, dataset: Dataset, first: Merged, sender: MetricSender) -> None:
        with self.steps.step("history", "replaying the first 60 %"):
            replayed = replay(first, dataset.name, sender, self._replay_settings(None), self._clock, self._stop)
            self.steps.result(f"{replayed.delivered:,} records, {_span(first)}")

    def _train(self, dataset: Dataset, expected: int) -> Program:
        with self.steps.step("training", "fitting an Isolation Forest"):
            env = self._env | {
                "TRAINING_WAIT_FOR": str(expected),
                "METRICS": ",".join(metric.name for metric in dataset.metrics),
                "TRAINING_DATASET": str(self._var / "data" / datasets.DATASET_FILE),
                "MODELS_DIR": str(self._var / "models"),
            }
            trainer = self._start("consumer_training", "training", env)
            beat = wait_for(trainer, lambda beat: "bundle" in beat, "a model", TIMEOUT_S, self._clock)
            self.steps.result(f"model {beat['version']}")
        return trainer

    def _start_consumers(self) -> list[Program]:
        with self.steps.step("consumers", "joining the group"):
            env = self._env | {"MODELS_DIR": str(self._var / "models")}
            names = [f"prediction-{number}" for number in range(1, self._plan.consumers + 1)]
            consumers = [self._start("consumer_prediction", name, env | {"CONSUMER_ID": name}) for name in names]
            self._wait_for_partitions(consumers)
            held = "; ".join(f"{one.name} holds {_listed(one.beat()['partitions'])}" for one in consumers)
            self.steps.result(held)
        return consumers

    def _wait_for_partitions(self, consumers: list[Program]) -> None:
        """Until the partitions are shared out as evenly as they go."""
        least = PARTITIONS // len(consumers)
        for consumer in consumers:
            wait_for(
                consumer,
                lambda beat: len(beat.get("partitions", [])) >= least and beat["state"] != "waiting for a model",
                "partitions",
                TIMEOUT_S,
                self._clock,
            )

    def _replay_live(self, dataset: Dataset, rest: Merged, sender: MetricSender, consumers: list[Program]) -> None:
        with self.steps.step("live", "replaying the rest"), self._live_anomalies() as live:
            self.steps.say(
                f"the rest at {len(rest.times_ms) / self._plan.live_s:,.0f} records/s; anomalies as they come:"
            )
            settings = self._replay_settings(len(rest.times_ms) / self._plan.live_s)
            with self.steps.bar("replaying live", len(rest.times_ms)) as progress:
                sent = _Sent(progress, live)
                replay(rest, dataset.name, sender, settings, self._clock, self._stop, said=sent)
            self._wait_until_scored(consumers, len(rest.times_ms), live)
            self.steps.result(f"{len(rest.times_ms):,} records, {_span(rest)}; {live.count} anomalies")

    def _wait_until_scored(self, consumers: list[Program], records: int, live: LiveAnomalies) -> None:
        def all_scored(_beat: Beat) -> bool:
            live.look()
            return (
                sum(int(beat["scored"] + beat["dead_letters"]) for beat in (one.beat() for one in consumers)) >= records
            )

        for consumer in consumers:
            wait_for(consumer, all_scored, f"scores of all {records} records", TIMEOUT_S, self._clock)

    def _evaluate(self, trainer: Program) -> Beat:
        with self.steps.step("evaluate", "drawing the evaluation"):
            done = wait_for(trainer, lambda beat: beat["state"] == "done", "an evaluation", TIMEOUT_S, self._clock)
            self.steps.result(str(Path(done["bundle"]) / EVALUATION_PNG))
        return done

    def _stop_consumers(self, consumers: list[Program]) -> list[Beat]:
        with self.steps.step("stop", "stopping the consumers"):
            beats = [consumer.beat() for consumer in consumers]  # with the partitions that they hold now
            for consumer in consumers:
                consumer.stop()
            self.steps.result("consumers stopped, everything committed")
        return beats

    def _summary(self, dataset: Dataset, records: Merged, produced: int, trained: Beat, beats: list[Beat]) -> Summary:
        anomalies = self._published()
        evaluation = json.loads((Path(trained["bundle"]) / EVALUATION_JSON).read_text())
        times = np.asarray([anomaly.timestamp for anomaly in anomalies], dtype=np.int64)
        inside = None if dataset.labels is None else int(inside_windows(times, datasets.windows(dataset)).sum())
        servers = self._cluster.status()
        return Summary(
            data={"name": dataset.name, "source": dataset.source, "why": dataset.why, **_ends(records)},
            produced=produced,
            training_rows=trained["training_rows"],
            test_rows=trained["test_rows"],
            scored=sum(beat["scored"] for beat in beats),
            dead_letters=sum(beat["dead_letters"] for beat in beats),
            anomalies=len(anomalies),
            anomalies_in_windows=inside,
            windows=None if evaluation["windows"] is None else len(evaluation["windows"]),
            windows_found=evaluation["found"],
            consumers=[{key: beat[key] for key in ("id", "partitions", "scored", "anomalies")} for beat in beats],
            plot=str(Path(trained["bundle"]) / EVALUATION_PNG),
            bundle=trained["bundle"],
            logs=str(self._settings.logs),
            cluster_mb=round(sum(server.rss_bytes for server in servers) / MB),
            page=self.page,
            seconds=self.steps.seconds,
        )

    def _published(self) -> list[Anomaly]:
        settings = KafkaSettings.read(**self._addresses())
        read = read_topic(settings, settings.anomalies_topic)
        return [Anomaly.from_avro(record.value) for record in read if record.value is not None]

    @contextmanager
    def _live_anomalies(self) -> Iterator[LiveAnomalies]:
        live = LiveAnomalies(KafkaSettings.read(**self._addresses()), self.steps.say, SHOWN_LIVE, self._clock)
        try:
            yield live
        finally:
            live.close()

    def _start(self, module: str, name: str, env: dict[str, str]) -> Program:
        program = start(module, name, self._var, env, leashed=True)
        self._programs.append(program)
        return program

    def _addresses(self) -> dict[str, Any]:
        return {name.lower(): value for name, value in self._env.items()}

    def _replay_settings(self, rate: float | None) -> ReplaySettings:
        return ReplaySettings.read(**self._addresses(), replay_rate=rate, replay_keys=KEYS)


class _Sent:
    """Told of every record that went out: moves the bar, and looks for anomalies now and then."""

    def __init__(self, progress: Progress, live: LiveAnomalies) -> None:
        self._progress, self._live = progress, live

    def __call__(self, records: int) -> None:
        self._progress.update(self._progress.task_ids[0], completed=records)
        self._live.look()


def _cut(records: Merged, at: int) -> tuple[Merged, Merged]:
    """The first `at` records, and the rest."""
    instant = dt.datetime.fromtimestamp(int(records.times_ms[at]) / 1000, dt.UTC)
    before, after = ReplaySettings.read(replay_to=instant), ReplaySettings.read(replay_from=instant)
    return part(records, before), part(records, after)


def _span(records: Merged) -> str:
    ends = _ends(records)
    return f"{ends['first']} to {ends['last']}"


def _ends(records: Merged) -> dict[str, str]:
    first, last = (dt.datetime.fromtimestamp(int(records.times_ms[at]) / 1000, dt.UTC) for at in (0, -1))
    return {"first": f"{first:%Y-%m-%d %H:%M}", "last": f"{last:%Y-%m-%d %H:%M}"}


def _listed(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in islice(numbers, PARTITIONS)) or "none"
