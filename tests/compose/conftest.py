"""The story of one stack, in steps. Each fixture does a step and keeps what was seen: the tests need no order."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from kafka_cluster.incident import Incident
from kafka_cluster.read_topic import Read
from kafka_cluster.records import Anomaly, ModelAnnouncement, Role
from tests.compose.stack import COMMAND_TIMEOUT_S, ROOT, Stack, run, why_no_engine

NAB = ROOT.parent / "shared" / "nab"
RATE = "60"  # records/s of the live part: quick, and long enough to stop a consumer in the middle
PARTITIONS = 4
ALERTS = """\
incidents: {channels: [board]}
channels:
  board: {type: alertmanager, url: "http://alertmanager:9093"}
"""
SCRAPED = {"prometheus": 1, "alertmanager": 1, "consumer_prediction": 3, "dashboard": 1}


@dataclass(frozen=True)
class FirstPass:
    """What was there when the first replay had been scored."""

    real_data: bool
    dataset: dict[str, Any]
    manifest: dict[str, Any]
    announcements: list[ModelAnnouncement]
    plot: bytes
    exits: dict[str, int]
    ends: dict[int, int]
    committed: dict[int, int]
    scored: int  # by the prediction consumer's own count
    metrics: list[Read]
    anomalies: list[Anomaly]
    page_keeps: int  # anomalies that the page shows


@dataclass(frozen=True)
class Shared:
    """The partitions of each member, once they had settled."""

    shares: list[set[int]]


@dataclass(frozen=True)
class Monitored:
    """What Prometheus said of the scaled lab, and the health of its two containers."""

    up: dict[str, int]  # by job, targets that answer
    scored: list[float]
    partitions: list[float]
    recorded: list[float]
    broken_rules: dict[str, str]
    alertmanagers: int
    health: list[str]


@dataclass(frozen=True)
class Alerted:
    """What came of the anomalies when the profile `alerts` joined: incidents, and what Alertmanager holds of them."""

    incidents: list[Incident]
    held: list[dict[str, Any]]  # Alertmanager's alerts


@dataclass(frozen=True)
class Failover:
    """A second replay of the test part, during which a consumer was stopped."""

    shares: list[set[int]]
    stopped_in_the_middle: bool
    stopped_exit: int
    producer_exit: int
    before: dict[int, int]
    ends: dict[int, int]
    committed: dict[int, int]
    anomalies: list[Anomaly]


@dataclass(frozen=True)
class Gone:
    """What was left after `down -v`."""

    left: dict[str, list[str]]
    volumes: list[str]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    if (reason := why_no_engine()) is not None:
        pytest.skip(reason)
    data = str(NAB) if NAB.is_dir() else ""
    made = Stack({"COMPOSE_PROFILES": "page", "REPLAY_RATE": RATE, "LAB_OFFLINE": "1", "LAB_DATA": data})
    try:
        made.compose("up", "-d", "--build")
        yield made
    finally:
        made.compose("down", "-v")


@pytest.fixture(scope="module")
def first_pass(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> FirstPass:
    folder = tmp_path_factory.mktemp("copied")
    announced = stack.settle(lambda: announcements(stack), bool)
    assert announced, stack.compose("logs", "--no-color", "consumer_training")
    exits = {service: stack.exit_status(service) for service in ("setup", "data", "producer", "consumer_training")}
    ends = stack.end_offsets()
    committed = stack.settle(stack.committed, lambda offsets: offsets == ends)
    announced = announcements(stack)
    dataset = json.loads(stack.copy("data", "/data/dataset.json", folder).read_text())
    bundle = stack.copy("consumer_prediction", "/models", folder) / announced[-1].path
    manifest = json.loads((bundle / "manifest.json").read_text())
    expected = dataset["records"] - manifest["data"]["training_rows"]
    return FirstPass(
        real_data=NAB.is_dir(),
        dataset=dataset,
        manifest=manifest,
        announcements=announced,
        plot=(bundle / "evaluation.png").read_bytes(),
        exits=exits,
        ends=ends,
        committed=committed,
        scored=stack.settle(lambda: heartbeat(stack)["scored"], lambda scored: bool(scored >= expected)),
        metrics=stack.read("metrics"),
        anomalies=(found := anomalies(stack)),
        page_keeps=stack.settle(lambda: page_keeps(stack), lambda kept: kept == len(found)),
    )


@pytest.fixture(scope="module")
def scaled(stack: Stack, first_pass: FirstPass) -> Shared:  # noqa: ARG001 - the step before
    up = ("up", "-d", "--no-deps", "--no-recreate", "--scale", "consumer_prediction=3", "consumer_prediction")
    stack.compose(*up)
    return Shared(stack.settle(stack.shares, lambda shares: shared_out(shares, 3)))


@pytest.fixture(scope="module")
def monitored(stack: Stack, scaled: Shared) -> Monitored:  # noqa: ARG001 - the step before
    """The profile `monitoring` without Grafana, whose image not every machine has, joins what runs."""
    stack.env["COMPOSE_PROFILES"] += ",monitoring"
    stack.compose("up", "-d", "--no-deps", "prometheus", "alertmanager")
    up = stack.settle(stack.scraped, lambda found: found == SCRAPED)
    held = 'sum(lab_consumer_partitions{job="consumer_prediction"})'
    partitions = stack.settle(lambda: stack.query(held), lambda found: found == [PARTITIONS])
    recorded = stack.settle(lambda: stack.query("lab:lab_prediction_records:rate1m"), bool)
    alertmanagers = stack.settle(lambda: len(stack.ask("alertmanagers")["activeAlertmanagers"]), bool)
    rules = [rule for group in stack.ask("rules")["groups"] for rule in group["rules"]]
    return Monitored(
        up=up,
        scored=stack.query("sum(lab_prediction_records_total)"),
        partitions=partitions,
        recorded=recorded,
        broken_rules={rule["name"]: str(rule.get("lastError")) for rule in rules if rule["health"] == "err"},
        alertmanagers=alertmanagers,
        health=stack.settle(stack.monitors_health, lambda found: found == ["healthy"] * 2),
    )


@pytest.fixture(scope="module")
def alerted(
    stack: Stack,
    first_pass: FirstPass,
    monitored: Monitored,  # noqa: ARG001 - the step before
    tmp_path_factory: pytest.TempPathFactory,
) -> Alerted:
    """The alerts consumer joins, with an alerts.yaml that leads to the Alertmanager of the same stack."""
    file = tmp_path_factory.mktemp("alerts") / "alerts.yaml"
    file.write_text(ALERTS)
    file.parent.chmod(0o755)
    stack.env["COMPOSE_PROFILES"] += ",alerts"
    stack.env["ALERTS_FILE"] = str(file)
    stack.compose("up", "-d", "--no-deps", "consumer_alerts")
    counted = len(first_pass.anomalies)
    incidents = stack.settle(lambda: incidents_of(stack), lambda found: sum(one.total for one in found) == counted)
    return Alerted(incidents, stack.settle(stack.alerts, bool))


@pytest.fixture(scope="module")
def joined(stack: Stack, scaled: Shared) -> Iterator[Shared]:  # noqa: ARG001 - the step before
    """One more by the command of the how-to, with this project's names."""
    command = documented_docker_run().replace("kafka-anomaly-lab_", f"{stack.project}_")
    container = f"{stack.project}-one-more"
    run(shlex.split(command.replace("one-more", container)), stack.env)
    try:
        yield Shared(stack.settle(stack.shares, lambda shares: shared_out(shares, 4)))
    finally:
        subprocess.run(["docker", "rm", "-f", container], capture_output=True, check=False)


@pytest.fixture(scope="module")
def failover(stack: Stack, first_pass: FirstPass, joined: Shared) -> Failover:  # noqa: ARG001 - the step before
    before = stack.end_offsets()
    test_part = datetime.fromtimestamp(first_pass.manifest["data"]["to_ms"] / 1000 + 1, UTC).isoformat()
    again = ("-e", f"REPLAY_FROM={test_part}", "-e", "REPLAY_HISTORY=0", "-e", "REPLAY_RESUME=false")
    replay = stack.compose_command("run", "--rm", "-T", "--no-deps", *again, "producer")
    victim = stack.containers("consumer_prediction")[0]
    with subprocess.Popen(
        replay, cwd=ROOT, env=stack.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as producer:
        stack.settle(lambda: sum(stack.end_offsets().values()), lambda total: total > sum(before.values()) + 100)
        run(["docker", "stop", "-t", "30", victim])
        in_the_middle = producer.poll() is None
        producer.communicate(timeout=COMMAND_TIMEOUT_S)
    ends = stack.end_offsets()
    committed = stack.settle(stack.committed, lambda offsets: offsets == ends)
    return Failover(
        shares=stack.settle(stack.shares, lambda shares: shared_out(shares, 3)),
        stopped_in_the_middle=in_the_middle,
        stopped_exit=int(run(["docker", "inspect", "-f", "{{.State.ExitCode}}", victim])),
        producer_exit=producer.returncode,
        before=before,
        ends=ends,
        committed=committed,
        anomalies=anomalies(stack),
    )


@pytest.fixture(scope="module")
def gone(stack: Stack, failover: Failover) -> Gone:  # noqa: ARG001 - the step before
    run(["docker", "stop", f"{stack.project}-one-more"])
    volumes = stack.mounted_volumes()
    stack.compose("down", "-v")
    there = run(["docker", "volume", "ls", "-q"]).split()
    return Gone(stack.left(), sorted(set(volumes) & set(there)))


def incidents_of(stack: Stack) -> list[Incident]:
    """The last state of each."""
    found = {one.key: one.value for one in stack.read("incidents")}
    return [Incident.from_avro(value) for value in found.values() if value is not None]


def announcements(stack: Stack) -> list[ModelAnnouncement]:
    """The champions that were announced, oldest first."""
    found = [ModelAnnouncement.from_avro(record.value) for record in stack.read("models") if record.value is not None]
    return [announcement for announcement in found if announcement.role is Role.CHAMPION]


def heartbeat(stack: Stack) -> dict[str, Any]:
    """What the prediction consumer says of itself."""
    read: dict[str, Any] = json.loads(stack.compose("exec", "-T", "consumer_prediction", "cat", "/tmp/heartbeat.json"))  # noqa: S108 - in the container
    return read


def anomalies(stack: Stack) -> list[Anomaly]:
    """All that were published and committed."""
    return [Anomaly.from_avro(record.value) for record in stack.read("anomalies") if record.value is not None]


def page_keeps(stack: Stack) -> int:
    """How many anomalies the page shows."""
    return int(httpx2.get(f"{stack.page}/api/v1/anomalies", timeout=COMMAND_TIMEOUT_S).json()["kept"])


def shared_out(shares: list[set[int]], members: int) -> bool:
    """True when so many members hold each partition once, and none holds nothing."""
    flat = sorted(partition for share in shares for partition in share)
    return len(shares) == members and all(shares) and flat == list(range(PARTITIONS))


def documented_docker_run() -> str:
    """The one `docker run` of the how-to."""
    text = (ROOT / "docs" / "how-to" / "compose.md").read_text()
    (command,) = re.findall(r"```sh\n(docker run .*?)```", text, re.DOTALL)
    return str(command).replace("\\\n", " ")
