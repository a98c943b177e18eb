"""The same steps one by one, as `--help` tells them."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from commands.__main__ import COMMANDS
from tests.system.conftest import CommandLine

pytestmark = [pytest.mark.system, pytest.mark.slow]


@pytest.fixture(scope="module")
def up(lab: CommandLine) -> Iterator[CommandLine]:
    ended = lab.run("up")
    assert ended.returncode == 0, ended.stderr
    yield lab
    assert lab.run("down").returncode == 0
    assert lab.processes() == []


def test_help_names_every_command(lab: CommandLine) -> None:
    shown = lab.run("--help").stdout
    assert [name for name in COMMANDS if f" {name} " not in shown] == []


def test_the_story_step_by_step(up: CommandLine) -> None:
    topics = up.json("topics")["topics"]
    assert {topic["name"]: topic["partitions"] for topic in topics} == {
        "metrics": 4, "events": 4, "connections": 4,
        "anomalies": 4, "incidents": 4, "verdicts": 1, "models": 1, "dead-letters": 1,
    }  # fmt: skip
    delivered = up.json("produce", "--keys", "16")["delivered"]
    trained = up.json("train")
    assert trained["training_rows"] + trained["test_rows"] == delivered
    predict = up.start("predict", "--id", "by-hand")
    deadline = time.monotonic() + 60
    while not (tail := up.run("tail", "anomalies", "-n", "1000").stdout) and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(1)
    predict.send_signal(signal.SIGTERM)
    _, error = predict.communicate(timeout=30)
    assert predict.returncode == 0, error
    assert f"scored={trained['test_rows']}" in error
    assert tail


def test_a_second_up_reuses_what_runs(up: CommandLine) -> None:
    before = [server["pid"] for server in up.json("status")["servers"]]
    assert up.run("up").returncode == 0
    assert [server["pid"] for server in up.json("status")["servers"]] == before


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (("produce", "--rate", "-2"), 2, "REPLAY_RATE must be > 0, got '-2'"),
        (("produce", "--rate", "1", "--speed", "2x"), 2, "REPLAY_RATE and REPLAY_SPEED exclude each other"),
        (("produce", "--data", "/nowhere"), 1, "/nowhere: no such folder"),
        (("train", "--features", "cpu,moon"), 1, "feature 'moon'"),
        (("train", "--fraction", "2"), 2, "TRAINING_FRACTION must be <= 1, got 2.0"),
        (("tail", "nothing"), 1, "topic 'nothing'"),
        (("moon",), 2, "No such command"),
    ],
)
def test_bad_input_gets_one_clear_line(
    up: CommandLine, arguments: tuple[str, ...], status: int, complaint: str
) -> None:
    ended = up.run(*arguments)
    assert ended.returncode == status, ended.stderr
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_cluster_a_step_says_what_to_do(lab: CommandLine) -> None:
    env = {**lab.env, "LAB_PORT_OFFSET": "1", "STARTUP_TIMEOUT_S": "1"}
    ended = CommandLine(lab.var, env).run("topics")
    assert ended.returncode == 1
    assert "start it with `lab up`" in ended.stderr.splitlines()[-1]
