from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from commands.doctor import doctor
from commands.down import down
from commands.logs import logs
from commands.status import status
from commands.up import how_to_go_on
from kafka_cluster.embedded.cluster import ClusterInfo
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.errors import LabError


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, port in zip(("ZOOKEEPER", "BROKER", "REGISTRY"), pick_free(3), strict=True):
        monkeypatch.setenv(f"LAB_{name}_PORT", str(port))
    monkeypatch.setenv("LAB_PORT_OFFSET", "0")
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LAB_VAR", str(tmp_path / "var"))
    return tmp_path / "var"


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    for command in (doctor, down, logs, status):
        app.command()(command)
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, LabError):
        raise result.exception
    return result.exit_code, result.stdout


def test_status_says_when_nothing_is_up(var: Path) -> None:
    exit_status, output = run("status")
    assert exit_status == 0
    assert output.startswith("Nothing is up.")
    assert not var.exists()


def test_status_as_json_is_one_object_with_the_addresses(var: Path) -> None:
    exit_status, output = run("status", "--json")
    told = json.loads(output.splitlines()[-1])
    assert (exit_status, told["servers"]) == (0, [])
    assert set(told["env"]) == {"KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL"}
    assert not var.exists()


def test_down_says_when_there_is_nothing_to_stop(var: Path) -> None:
    assert run("down") == (0, "Nothing was running.\n")
    assert run("down", "--wipe") == (0, f"Nothing was running.\nRemoved {var / 'cluster'}.\n")


def test_doctor_fails_by_its_exit_status(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exit_status, output = run("doctor", "--json")
    assert (exit_status, {check["verdict"] for check in json.loads(output)["checks"]} - {"warn"}) == (0, {"ok"})
    monkeypatch.setenv("LAB_JAVA", str(var / "no-java"))
    exit_status, output = run("doctor", "--json")
    failed = [check for check in json.loads(output)["checks"] if check["verdict"] == "fail"]
    assert (exit_status, [check["check"] for check in failed]) == (1, ["java"])
    assert failed[0]["way_out"]


def test_logs_gives_the_last_lines_each_with_its_server(var: Path) -> None:
    (var / "logs").mkdir(parents=True)
    (var / "logs" / "broker.log").write_text("one\ntwo\nthree\n")
    (var / "logs" / "registry.log").write_text("four\n")
    assert run("logs", "-n", "2") == (0, "broker: two\nbroker: three\nregistry: four\n")
    assert run("logs", "broker", "-n", "1") == (0, "three\n")


def test_logs_of_nobody_names_those_that_are_there(var: Path) -> None:
    with pytest.raises(LabError, match=r"`\./lab up` starts the servers"):
        run("logs")
    (var / "logs").mkdir(parents=True)
    (var / "logs" / "broker.log").touch()
    with pytest.raises(LabError, match=r"no log in .*; there is broker"):
        run("logs", "brokr")


def test_up_ends_with_what_a_shell_can_take_over() -> None:
    shown = how_to_go_on(ClusterInfo("127.0.0.1:9092", "http://127.0.0.1:8081", "127.0.0.1:2181"))
    assert "export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092\n" in shown
    assert "export SCHEMA_REGISTRY_URL=http://127.0.0.1:8081\n" in shown
