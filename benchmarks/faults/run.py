"""One run of the lab under load: topics, models, a producer and members of its own, and who looks after them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults import member, records
from benchmarks.faults.progress import Offsets, Progress
from commands.demo_processes import Program, start
from consumer_training.publish import Written, announce, send_all
from consumer_training.settings import TrainingSettings
from kafka_cluster import clients
from kafka_cluster.clock import Clock
from kafka_cluster.codec import Encoder
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger
from kafka_cluster.prepare import PrepareSettings, prepare
from kafka_cluster.registry import HttpRegistry, subject_of
from kafka_cluster.schemas import metric_schema
from kafka_cluster.settings import KafkaSettings

PARTITIONS = 4
KEYS = 32
SESSION_TIMEOUT_S = 6.0  # the shortest that a broker takes
TRANSACTION_TIMEOUT_S = 5.0
ANSWERS_WITHIN_S = 30.0  # a broker that was started again
POISON_PARTS, POISON_SHARE = 20, 0.4  # so many parts, over so much of the time that the load takes
LOOK_EVERY_S = 0.05
log = get_logger()


@dataclass(frozen=True)
class Load:
    """What every run of a command has in common."""

    records: int
    rate: int  # records/s
    seed: int
    dataset: Path
    models: Path
    bundles: dict[str, Written]
    module: str = member.__name__  # the program that the members run

    @property
    def evolved(self) -> int:
        """Records of the second writer."""
        return records.evolved_count(self.records)

    @property
    def seconds(self) -> float:
        """How long the producer takes."""
        return self.records / self.rate


class Run:
    """Members and producer of one run. Whoever dies is started again, as a container's restart policy would do."""

    def __init__(self, name: str, cluster: Cluster, var: Path, load: Load, clock: Clock) -> None:
        self.name, self.cluster, self.load, self.clock = name, cluster, load, clock
        self._var = var
        topics = ("metrics", "anomalies", "dead_letters", "models")
        self._names = {f"{topic}_topic": f"{name}-{topic.replace('_', '-')}" for topic in topics}
        self._addresses = {key.lower(): value for key, value in cluster.info.env().items()}
        self.settings = KafkaSettings.read(**self._addresses, **self._names)
        self.group = f"{name}-prediction"
        self.members: dict[str, Program] = {}
        self.producer: Program | None = None
        self.restarts = 0
        self.progress = Progress(self.settings, self.group, PARTITIONS, clock)
        self._struck_at = float("inf")
        self._held: Offsets | None = None
        self.foul: list[bytes | None] = []  # poison that was sent

    def prepare(self, model: str) -> None:
        """Topics, schemas (both writers'), and one of the two models as champion."""
        prepare(PrepareSettings.read(**self._addresses, **self._names, partitions=PARTITIONS), self.clock)
        with HttpRegistry(self.settings) as registry:
            subject = subject_of(self.settings.metrics_topic)
            plain, evolved = metric_schema(records.METRICS), records.evolved_schema()
            self._plain = Encoder(plain, registry.register(subject, plain))
            self._evolved = Encoder(evolved, registry.register(subject, evolved))
        self.announce(model)

    def announce(self, model: str) -> None:
        """Make one of the two models the champion."""
        settings = TrainingSettings.read(**self._addresses, **self._names, models_dir=self.load.models)
        announce(settings, self.clock, self.load.bundles[model], None)

    def start_producer(self, *, resume: bool = False) -> None:
        """Start the replay, or go on with one that was killed."""
        replay = {"DATASET": str(self.load.dataset), "REPLAY_RATE": str(self.load.rate), "REPLAY_KEYS": str(KEYS)}
        env = self._env() | replay | {"REPLAY_RESUME": str(resume).lower()}
        self.producer = start("producer", f"{self.name}-producer", self._var, env, leashed=True)

    def start_member(self, name: str) -> None:
        """Start a member of the group, or start it again under the same id."""
        self._trigger(name).unlink(missing_ok=True)
        env = self._env() | {
            "CONSUMER_ID": f"{self.name}-{name}",
            "PREDICTION_GROUP": self.group,
            "PREDICTION_START": "earliest",
            "PREDICTION_LOG_LIMIT": "0",
            "SESSION_TIMEOUT_MS": str(round(SESSION_TIMEOUT_S * 1000)),
            "TRANSACTION_TIMEOUT_MS": str(round(TRANSACTION_TIMEOUT_S * 1000)),
            "MODELS_DIR": str(self.load.models),
            member.TRIGGER: str(self._trigger(name)),
        }
        self.members[name] = start(self.load.module, f"{self.name}-{name}", self._var, env, leashed=True)

    def break_in_transaction(self, name: str, signal: str) -> None:
        """Have the member send itself the signal inside its next transaction that holds an anomaly."""
        aside = self._trigger(name).with_suffix(".aside")
        aside.write_text(signal)
        aside.replace(self._trigger(name))

    def broke(self, name: str) -> bool:
        """True once it has."""
        return not self._trigger(name).exists()

    def send_evolved(self) -> None:
        """The records of the second writer."""
        sent = records.evolved(self.load.records, self.load.seed)
        send_all(self.settings, self.settings.metrics_topic, [(key, self._evolved.encode(one)) for key, one in sent])

    def send_poison(self) -> None:
        """Values that nobody can read, spread over the rest of the load."""
        good = self._plain.encode({"network": 1.0, "disk": 1.0, "cpu": 1.0, "timestamp": 1})
        self.foul = records.poison(good, self.load.records, self.load.seed)
        with clients.producer(self.settings) as producer:  # one for all: a new one takes its time to connect
            for first in range(0, len(self.foul), share := -(-len(self.foul) // POISON_PARTS)):
                for number, value in enumerate(self.foul[first : first + share]):
                    producer.produce(self.settings.metrics_topic, value, f"foul-{number % 8}".encode())
                self.sleep(POISON_SHARE * self.load.seconds / POISON_PARTS)
            if left := producer.flush(ANSWERS_WITHIN_S):
                raise LabError("poison", f"{left} not delivered in {ANSWERS_WITHIN_S:.0f} s")

    def strike(self) -> None:
        """Note that the blow falls now."""
        self._struck_at = self.clock.monotonic()

    def mended(self) -> None:
        """Note that the damage is undone: recovered is who has committed what the topic holds at this moment."""
        self.wait(lambda: self.progress.ends() is not None, ANSWERS_WITHIN_S)
        self._held = self.progress.ends()

    def recovery_s(self) -> float | None:
        """Seconds from the blow until all that the topic held when it was mended was committed; None: never seen."""
        at = None if self._held is None else self.progress.reached(self._held, self._struck_at)
        return None if at is None else at - self._struck_at

    def sleep(self, seconds: float) -> None:
        """Let time pass, and look after the members meanwhile."""
        self.wait(lambda: False, seconds)

    def wait(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        """Until `reached`, looking after the members meanwhile; False when the time is up."""
        deadline = self.clock.monotonic() + timeout_s
        while not reached():
            if self.clock.monotonic() >= deadline:
                return False
            self._tend()
            self.clock.sleep(LOOK_EVERY_S)
        return True

    def producing(self) -> bool:
        """The first records are there."""
        return sum((self.progress.ends() or {}).values()) > 0

    def done(self) -> bool:
        """The producer has sent everything, and the group has committed all of it."""
        producer = self.producer
        if producer is None or producer.process.is_alive():
            return False
        if producer.beat().get("state") != "stopped":
            raise LabError(producer.name, "ended before it had sent everything", f"its log is {producer.log}")
        ends = self.progress.ends()
        return ends is not None and self.progress.reached(ends) is not None

    def stop(self) -> None:
        """Stop everybody."""
        for program in [*self.members.values(), *([self.producer] if self.producer else [])]:
            program.stop()
        self.progress.close()

    def _tend(self) -> None:
        for name, program in list(self.members.items()):
            if not program.process.is_alive():
                self.restarts += 1
                program.log.replace(program.log.with_suffix(f".log.{self.restarts}"))  # why it ended is in there
                log.info("member started again", run=self.name, member=name)
                self.start_member(name)

    def _trigger(self, name: str) -> Path:
        return self._var / "run" / f"{self.name}-{name}.break"

    def _env(self) -> dict[str, str]:
        given: dict[str, Any] = self._addresses | self._names
        return {key.upper(): str(value) for key, value in given.items()} | {"LOG_LEVEL": "INFO", "LOG_FORMAT": "json"}
