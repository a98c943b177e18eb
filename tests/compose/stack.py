"""A lab of its own in Docker: the unmodified compose file under a project name and ports that nobody else uses."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from confluent_kafka import Consumer, TopicPartition

from kafka_cluster import clients
from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.read_topic import Read, read_topic
from kafka_cluster.settings import KafkaSettings

ROOT = Path(__file__).resolve().parents[2]
GROUP, METRICS = "prediction", "metrics"
COMMAND_TIMEOUT_S = 600.0  # the first `up` installs the packages into the images
REQUEST_TIMEOUT_S = 10.0
SETTLE_S = 90.0

T = TypeVar("T")


def run(command: Sequence[str], env: dict[str, str] | None = None) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def compose_commands() -> list[list[str]]:
    """Every Compose of this machine: v1, v2."""
    v1 = [["docker-compose"]] if shutil.which("docker-compose") else []
    v2 = ["docker", "compose"]
    return [*v1, v2] if shutil.which("docker") and _succeeds([*v2, "version"]) else v1


def why_no_engine() -> str | None:
    """The reason why nothing can run in Docker here; None when it can."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    asked = subprocess.run(["docker", "info"], capture_output=True, text=True, timeout=30, check=False)
    if asked.returncode != 0:
        return f"there is no Docker engine: {(asked.stderr or asked.stdout).strip().splitlines()[-1]}"
    return None if compose_commands() else "there is neither docker-compose nor docker compose"


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0


@dataclass
class Stack:
    """Compose commands on one project, and what its broker says, through the published ports."""

    env: dict[str, str]
    project: str = field(default_factory=lambda: f"lab-test-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        names = ("BROKER", "REGISTRY", "CASSANDRA", "PAGE", "PROMETHEUS", "ALERTMANAGER", "GRAFANA")
        ports = {f"{name}_PORT": port for name, port in zip(names, pick_free(len(names)), strict=True)}
        broker, registry = ports["BROKER_PORT"], ports["REGISTRY_PORT"]
        self.page = f"http://127.0.0.1:{ports['PAGE_PORT']}"
        self.prometheus = f"http://127.0.0.1:{ports['PROMETHEUS_PORT']}"
        self.alertmanager = f"http://127.0.0.1:{ports['ALERTMANAGER_PORT']}"
        self.env = {**os.environ, **self.env, **{name: str(port) for name, port in ports.items()}}
        self.settings = KafkaSettings.read(
            kafka_bootstrap_servers=f"127.0.0.1:{broker}", schema_registry_url=f"http://127.0.0.1:{registry}"
        )
        self.clock = SystemClock()

    def compose_command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        return [*compose_commands()[0], "-p", self.project, *arguments]

    def compose(self, *arguments: str) -> str:
        """Run it."""
        return run(self.compose_command(*arguments), self.env)

    def containers(self, service: str) -> list[str]:
        """Ids of the service's containers, running or not, newest first."""
        only = f"label=com.docker.compose.service={service}"
        return run(["docker", "ps", "-aq", "--no-trunc", *self._filters(), "--filter", only]).split()

    def exit_status(self, service: str) -> int:
        """Wait for the end of a service's only container."""
        (container,) = self.containers(service)
        return int(run(["docker", "wait", container]))

    def left(self) -> dict[str, list[str]]:
        """What Docker still has of this project."""
        return {
            "containers": run(["docker", "ps", "-aq", *self._filters()]).split(),
            "networks": run(["docker", "network", "ls", "-q", *self._filters()]).split(),
            "volumes": run(["docker", "volume", "ls", "-q", *self._filters()]).split(),
        }

    def mounted_volumes(self) -> list[str]:
        """Names of all volumes that the project's containers use, those without a label as well."""
        containers = run(["docker", "ps", "-aq", *self._filters()]).split()
        template = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}}\n{{end}}{{end}}'
        return run(["docker", "inspect", "-f", template, *containers]).split()

    def copy(self, service: str, path: str, to: Path) -> Path:
        """A file or folder out of a service's container, running or not."""
        run(["docker", "cp", f"{self.containers(service)[0]}:{path}", str(to)])
        return to / Path(path).name

    def _filters(self) -> list[str]:
        return ["--filter", f"label=com.docker.compose.project={self.project}"]

    def settle(self, probe: Callable[[], T], good: Callable[[T], bool]) -> T:
        """What `probe` says when it is good, or else what it says last: the test tells what was wrong with it."""
        deadline = self.clock.monotonic() + SETTLE_S
        while not good(found := probe()) and self.clock.monotonic() < deadline:
            self.clock.sleep(0.5)
        return found

    def read(self, topic: str) -> list[Read]:
        """The committed records of a topic."""
        return list(read_topic(self.settings, topic))

    def end_offsets(self) -> dict[int, int]:
        """Of the metrics topic, by partition."""
        return self._ask(_high)

    def committed(self) -> dict[int, int]:
        """The prediction group's next offset by partition; -1001 where it has none."""
        return self._ask(_committed)

    def shares(self, group: str = GROUP) -> list[set[int]]:
        """Which partitions each member of a group holds."""
        admin = clients.admin_client(self.settings)  # a name of its own: without the client its future never ends
        future: Any = admin.describe_consumer_groups([group], request_timeout=REQUEST_TIMEOUT_S)[group]
        members = future.result(REQUEST_TIMEOUT_S).members
        return [{at.partition for at in member.assignment.topic_partitions} for member in members]

    def ask(self, what: str, **parameters: str) -> Any:
        """The `data` of an answer of Prometheus; empty before it answers."""
        try:
            answer = httpx2.get(f"{self.prometheus}/api/v1/{what}", params=parameters, timeout=REQUEST_TIMEOUT_S)
            answer.raise_for_status()  # while it starts it says 503, and that in plain text
        except httpx2.HTTPError:
            return {"activeTargets": [], "result": [], "groups": [], "activeAlertmanagers": []}
        return answer.json()["data"]

    def scraped(self) -> dict[str, int]:
        """By job, how many targets answer."""
        up = [one["labels"]["job"] for one in self.ask("targets")["activeTargets"] if one["health"] == "up"]
        return {job: up.count(job) for job in up}

    def query(self, expression: str) -> list[float]:
        """The values of an instant query."""
        return [float(one["value"][1]) for one in self.ask("query", query=expression)["result"]]

    def alerts(self) -> list[dict[str, Any]]:
        """What Alertmanager holds of the lab's incidents; nothing before it answers."""
        try:
            answer = httpx2.get(f"{self.alertmanager}/api/v2/alerts", timeout=REQUEST_TIMEOUT_S)
            answer.raise_for_status()
        except httpx2.HTTPError:
            return []
        return [one for one in answer.json() if "incident" in one["labels"]]

    def monitors_health(self) -> list[str]:
        """Prometheus' and Alertmanager's, by their own checks."""
        asked = [self.containers(name)[0] for name in ("prometheus", "alertmanager")]
        return run(["docker", "inspect", "-f", "{{.State.Health.Status}}", *asked]).split()

    def _ask(self, question: Callable[[Consumer, TopicPartition], int]) -> dict[int, int]:
        consumer = clients.consumer(self.settings, GROUP)  # asks only: it never subscribes, so it is no member
        try:
            found = consumer.list_topics(METRICS, timeout=REQUEST_TIMEOUT_S).topics[METRICS].partitions
            return {number: question(consumer, TopicPartition(METRICS, number)) for number in sorted(found)}
        finally:
            consumer.close()


def _high(consumer: Consumer, partition: TopicPartition) -> int:
    return int(consumer.get_watermark_offsets(partition, timeout=REQUEST_TIMEOUT_S)[1])


def _committed(consumer: Consumer, partition: TopicPartition) -> int:
    return int(consumer.committed([partition], timeout=REQUEST_TIMEOUT_S)[0].offset)
