"""The stage of a demo: servers, topics, the live page, and the programs that play on it, all gone at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from commands import kept
from commands.demo_processes import Beat, Program, start, wait_for
from commands.lab_settings import LabSettings
from commands.live_anomalies import LiveAnomalies
from commands.steps import InterruptedClock, Steps
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.prepare import PrepareSettings, prepare
from kafka_cluster.read_topic import read_topic
from kafka_cluster.records import Anomaly
from kafka_cluster.settings import KafkaSettings

PARTITIONS = 4
TIMEOUT_S = 60.0
SHOWN_LIVE = 12  # anomalies that are told as they come; the rest are counted
MB = 1_000_000
S = TypeVar("S")


class Stage:
    """Everything under one LAB_VAR. What is started is noted at once, so that `clear` finds it whatever happens."""

    def __init__(self, settings: LabSettings, stop: Stop, *, keep: bool) -> None:
        self.settings, self.keep = settings, keep
        self.var = settings.lab_var
        self.clock: Clock = InterruptedClock(stop)
        self.steps = Steps(self.clock)
        self.page: str | None = None  # its address, where it was started
        self.env: dict[str, str] = {}  # where the servers are
        self._cluster = Cluster(settings)  # with a clock of its own, which still sleeps in the clean-up
        self._programs: list[Program] = []

    def play(self, story: Callable[[Stage], S]) -> S:
        """Run the story; nothing runs afterwards, unless `keep` and it came to its end."""
        try:
            told = story(self)
        except BaseException:  # Ctrl-C too
            self.clear(servers=True)
            raise
        self.clear(servers=not self.keep)
        return told

    def clear(self, *, servers: bool) -> None:
        """Stop what runs: the programs, and with `servers` what would be kept too."""
        for program in reversed(self._programs):
            program.stop()
        if servers:
            kept.stop_all(self.settings)
            self._cluster.down()

    def start_servers(self) -> None:
        """Fresh ones, instead of what an earlier demo left."""
        with self.steps.step("servers", "starting ZooKeeper, broker and Schema Registry"):
            kept.stop_all(self.settings)
            self._cluster.wipe()
            info = self._cluster.up(leashed=not self.keep)
            self.env = info.env()
            self.steps.result(f"ZooKeeper {info.zookeeper}, broker {info.bootstrap_servers}, {info.registry_url}")

    def make_topics(self, metrics: Sequence[str]) -> None:
        """All topics, with the schema of these metrics."""
        with self.steps.step("topics", "making topics and registering schemas"):
            specs = prepare(
                PrepareSettings.read(partitions=PARTITIONS, metrics=metrics, **self.addresses()), self.clock
            )
            self.steps.result(", ".join(f"{spec.name} ({spec.partitions})" for spec in specs))

    def start_page(self, env: Mapping[str, str]) -> None:
        """The live page, as long as the demo; with `keep` longer."""
        with self.steps.step("page", "starting the live page"):
            page = self.start("dashboard", "dashboard", {**env, **kept.page_port(self.settings)}, stays=True)
            self.page = str(self.wait_for(page, lambda beat: "url" in beat, "an address")["url"])
            self.steps.result(f"{self.page} shows what follows")

    def start(self, module: str, name: str, env: Mapping[str, str], *, stays: bool = False) -> Program:
        """A program that ends with the demo, or with `stays` goes on with a kept one."""
        whole = {**self.env, "MODELS_DIR": self.models, **env}
        if stays and self.keep:
            return kept.start(module, name, self.settings, whole)
        program = start(module, name, self.var, whole, leashed=True)
        self._programs.append(program)
        return program

    def start_consumers(
        self, count: int, env: Mapping[str, str] | None = None, *, stays: bool = False
    ) -> list[Program]:
        """Prediction consumers, which wait for a model if there is none."""
        names = [f"prediction-{number}" for number in range(1, count + 1)]
        return [
            self.start("consumer_prediction", name, {"CONSUMER_ID": name, **(env or {})}, stays=stays) for name in names
        ]

    def share_partitions(self, consumers: list[Program]) -> str:
        """Wait until the partitions are shared out as evenly as they go; says who holds which."""
        least = PARTITIONS // len(consumers)
        for consumer in consumers:
            self.wait_for(
                consumer,
                lambda beat: len(beat.get("partitions", [])) >= least and beat["state"] != "waiting for a model",
                "partitions",
            )
        return "; ".join(f"{one.name} holds {_listed(one.beat()['partitions'])}" for one in consumers)

    def wait_for(self, program: Program, reached: Callable[[Beat], bool], what: str, *, longer_s: float = 0.0) -> Beat:
        """The first heartbeat of which `reached` is true. Raises LabError."""
        return wait_for(program, reached, what, TIMEOUT_S + longer_s, self.clock)

    @contextmanager
    def live_anomalies(self, **how: Any) -> Iterator[LiveAnomalies]:
        """Tells anomalies as they are published; `how` is LiveAnomalies'."""
        live = LiveAnomalies(KafkaSettings.read(**self.addresses()), self.steps.say, SHOWN_LIVE, self.clock, **how)
        try:
            yield live
        finally:
            live.close()

    def published(self) -> list[Anomaly]:
        """Every committed record of the anomalies topic."""
        settings = KafkaSettings.read(**self.addresses())
        read = read_topic(settings, settings.anomalies_topic)
        return [Anomaly.from_avro(record.value) for record in read if record.value is not None]

    def addresses(self) -> dict[str, Any]:
        """Of the servers, as settings take them."""
        return {name.lower(): value for name, value in self.env.items()}

    def servers_mb(self) -> int:
        """Resident memory of the servers, in 10^6 bytes."""
        return round(sum(server.rss_bytes for server in self._cluster.status()) / MB)

    @property
    def models(self) -> str:
        """The folder of model bundles."""
        return str(self.var / "models")

    @property
    def logs(self) -> Path:
        """Where every program and server writes its log."""
        return self.settings.logs


def _listed(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in islice(numbers, PARTITIONS)) or "none"
