"""The demo, step by step: data, servers, topics, history, training, consumers, live, evaluation."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress

from commands.demo_processes import Beat, Program
from commands.demo_stage import Stage
from commands.demo_summary import Summary
from commands.live_anomalies import LiveAnomalies
from consumer_training.evaluate import inside_windows
from consumer_training.publish import EVALUATION_JSON, EVALUATION_PNG
from consumer_training.settings import TrainingSettings
from kafka_cluster import dataset as datasets
from kafka_cluster.clock import Stop
from kafka_cluster.dataset import Dataset
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.settings import KafkaSettings
from producer.data_settings import DataSettings
from producer.load import load
from producer.merge import Merged
from producer.prepare import prepare as prepare_data
from producer.replay import part, replay
from producer.send import MetricSender
from producer.settings import ReplaySettings

KEYS = 32  # so many that each of four partitions has its share


@dataclass(frozen=True)
class DemoPlan:
    """What the command line asked for."""

    consumers: int
    live_s: float  # how long the live part is to take


class ReplayDemo:
    """The story of a data set: its first part trains, the rest is replayed live."""

    def __init__(self, plan: DemoPlan, stop: Stop) -> None:
        self._plan, self._stop = plan, stop

    def __call__(self, stage: Stage) -> Summary:
        """All the steps. Raises LabError; KeyboardInterrupt soon after the stop is requested."""
        self._stage, self._steps = stage, stage.steps
        dataset, records = self._prepare_data()
        stage.start_servers()
        stage.make_topics(records.names)
        if stage.keep:
            stage.start_page(self._about(dataset, "DASHBOARD_DATASET"))
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

    def _prepare_data(self) -> tuple[Dataset, Merged]:
        settings = self._stage.settings
        with self._steps.step("data", "looking for the series"):
            given = DataSettings.read(lab_data=settings.lab_data, lab_cache=settings.lab_cache)
            dataset = prepare_data(self._stage.var / "data", given)
            records = load(dataset)
            metrics = ", ".join(records.names)
            self._steps.result(f"{len(records.times_ms):,} records of {metrics}, {dataset.why}")
        return dataset, records

    def _about(self, dataset: Dataset, variable: str) -> dict[str, str]:
        """What programs are told about the data; `variable` is their name for its description."""
        description = self._stage.var / "data" / datasets.DATASET_FILE
        return {"METRICS": ",".join(metric.name for metric in dataset.metrics), variable: str(description)}

    @contextmanager
    def _sender(self, records: Merged) -> Iterator[MetricSender]:
        settings = KafkaSettings.read(**self._stage.addresses())
        with wait_for_registry(settings, self._stage.clock) as registry:
            sender = MetricSender(settings, registry, records.names)
            try:
                yield sender
            finally:
                sender.close()

    def _replay_history(self, dataset: Dataset, first: Merged, sender: MetricSender) -> None:
        with self._steps.step("history", "replaying the first 60 %"):
            settings = self._replay_settings(None)
            replayed = replay(first, dataset.name, sender, settings, self._stage.clock, self._stop)
            self._steps.result(f"{replayed.delivered:,} records, {_span(first)}")

    def _train(self, dataset: Dataset, expected: int) -> Program:
        with self._steps.step("training", "fitting an Isolation Forest"):
            env = {"TRAINING_WAIT_FOR": str(expected), **self._about(dataset, "TRAINING_DATASET")}
            trainer = self._stage.start("consumer_training", "training", env)
            beat = self._stage.wait_for(trainer, lambda beat: "bundle" in beat, "a model")
            self._steps.result(f"model {beat['version']}")
        return trainer

    def _start_consumers(self) -> list[Program]:
        with self._steps.step("consumers", "joining the group"):
            consumers = self._stage.start_consumers(self._plan.consumers)
            self._steps.result(self._stage.share_partitions(consumers))
        return consumers

    def _replay_live(self, dataset: Dataset, rest: Merged, sender: MetricSender, consumers: list[Program]) -> None:
        rate = len(rest.times_ms) / self._plan.live_s
        with self._steps.step("live", "replaying the rest"), self._stage.live_anomalies() as live:
            self._steps.say(f"the rest at {rate:,.0f} records/s; anomalies as they come:")
            settings = self._replay_settings(rate)
            with self._steps.bar("replaying live", len(rest.times_ms)) as progress:
                sent = _Sent(progress, live)
                replay(rest, dataset.name, sender, settings, self._stage.clock, self._stop, said=sent)
            self._wait_until_scored(consumers, len(rest.times_ms), live)
            self._steps.result(f"{len(rest.times_ms):,} records, {_span(rest)}; {live.count} anomalies")

    def _wait_until_scored(self, consumers: list[Program], records: int, live: LiveAnomalies) -> None:
        def all_scored(_beat: Beat) -> bool:
            live.look()
            return (
                sum(int(beat["scored"] + beat["dead_letters"]) for beat in (one.beat() for one in consumers)) >= records
            )

        for consumer in consumers:
            self._stage.wait_for(consumer, all_scored, f"scores of all {records} records")

    def _evaluate(self, trainer: Program) -> Beat:
        with self._steps.step("evaluate", "drawing the evaluation"):
            done = self._stage.wait_for(trainer, lambda beat: beat["state"] == "done", "an evaluation")
            self._steps.result(str(Path(done["bundle"]) / EVALUATION_PNG))
        return done

    def _stop_consumers(self, consumers: list[Program]) -> list[Beat]:
        with self._steps.step("stop", "stopping the consumers"):
            beats = [consumer.beat() for consumer in consumers]  # with the partitions that they hold now
            for consumer in consumers:
                consumer.stop()
            self._steps.result("consumers stopped, everything committed")
        return beats

    def _summary(self, dataset: Dataset, records: Merged, produced: int, trained: Beat, beats: list[Beat]) -> Summary:
        anomalies = self._stage.published()
        evaluation = json.loads((Path(trained["bundle"]) / EVALUATION_JSON).read_text())
        times = np.asarray([anomaly.timestamp for anomaly in anomalies], dtype=np.int64)
        inside = None if dataset.labels is None else int(inside_windows(times, datasets.windows(dataset)).sum())
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
            logs=str(self._stage.logs),
            cluster_mb=self._stage.servers_mb(),
            page=self._stage.page if self._stage.keep else None,
            seconds=self._steps.seconds,
        )

    def _replay_settings(self, rate: float | None) -> ReplaySettings:
        return ReplaySettings.read(**self._stage.addresses(), replay_rate=rate, replay_keys=KEYS)


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
