from __future__ import annotations

import dataclasses
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kafka_cluster.embedded import checks, process
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.embedded.process import Process
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.embedded.state import Entry, State
from kafka_cluster.errors import LabError


@pytest.fixture
def settings(tmp_path: Path) -> LabSettings:
    zookeeper, broker, registry = pick_free(3)
    return LabSettings(
        lab_var=tmp_path / "var",
        lab_cache=tmp_path / "cache",
        lab_zookeeper_port=zookeeper,
        lab_broker_port=broker,
        lab_registry_port=registry,
        lab_maven_repository="http://127.0.0.1:1",  # nobody: nothing may be fetched here
    )


@pytest.fixture
def stray(settings: LabSettings) -> Iterator[Process]:
    """A process with the broker's marker, and no state that knows of it."""
    marker = f"-Dlab.server={settings.lab_var / 'cluster' / 'broker'}"
    command = [sys.executable, "-c", "import time; time.sleep(600)", marker]
    started = process.spawn("stray", command, settings.logs / "stray.log")
    yield started
    process.stop(started)


def note(settings: LabSettings, name: str, noted: Process) -> None:
    entry = Entry(name, noted.pid, noted.started, settings.broker_port, "", 0.0, None)
    settings.lab_var.mkdir(parents=True, exist_ok=True)
    State(settings.lab_var).write({name: entry})


def test_down_with_nothing_up_stops_nothing(settings: LabSettings) -> None:
    assert Cluster(settings).down() == []
    assert Cluster(settings).status() == []


def test_down_does_not_touch_a_process_that_got_a_dead_servers_pid(settings: LabSettings) -> None:
    us = Process("broker", os.getpid(), psutil.Process().create_time())
    note(settings, "broker", dataclasses.replace(us, started=us.started - 60))
    assert not Cluster(settings).status()[0].running
    assert Cluster(settings).down() == []
    assert us.is_alive()
    assert State(settings.lab_var).read() == {}


def test_down_stops_servers_that_a_corrupt_state_file_forgot(settings: LabSettings, stray: Process) -> None:
    (settings.lab_var / "cluster.json").write_text("{")
    with pytest.raises(LabError, match="is not the lab's"):
        Cluster(settings).up()
    said: list[str] = []
    assert Cluster(settings, say=said.append).down() == ["broker"]
    assert not stray.is_alive()
    assert "is not the lab's" in said[0]
    assert Cluster(settings).status() == []


def test_wipe_removes_data_and_keeps_logs(settings: LabSettings) -> None:
    for folder in ("cluster/broker/data", "logs"):
        (settings.lab_var / folder).mkdir(parents=True)
    Cluster(settings).wipe()
    assert not (settings.lab_var / "cluster").exists()
    assert settings.logs.exists()


def test_up_says_first_what_cannot_be_fetched(settings: LabSettings) -> None:
    with pytest.raises(LabError, match="check the network"):
        Cluster(settings).up()


def test_too_little_memory_is_said_before_anything_is_fetched(
    settings: LabSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "MEMORY_LEAST_BYTES", 1 << 60)
    monkeypatch.setattr(checks, "MEMORY_NEEDED_BYTES", 1 << 60)
    with pytest.raises(LabError, match=r"memory: .* GiB free, .* GiB wanted; close programs"):
        Cluster(settings).up()


def test_the_addresses_are_those_of_the_settings(settings: LabSettings) -> None:
    moved = settings.model_copy(update={"lab_port_offset": 7})
    assert Cluster(moved).info.env() == {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{settings.lab_broker_port + 7}",
        "SCHEMA_REGISTRY_URL": f"http://127.0.0.1:{settings.lab_registry_port + 7}/apis/ccompat/v7",
    }


def test_the_doctor_calls_a_foreign_port_fatal_and_our_own_server_fine(settings: LabSettings) -> None:
    assert checks.fatal_problems(settings) == []
    with socket.create_server(("127.0.0.1", settings.broker_port)):
        (problem,) = checks.fatal_problems(settings)
        assert problem.check == f"port {settings.broker_port}"
        assert f"(pid {os.getpid()})" in problem.found
        note(settings, "broker", Process("broker", os.getpid(), psutil.Process().create_time()))
        assert checks.fatal_problems(settings) == []


def test_the_doctor_says_what_is_still_to_be_fetched(settings: LabSettings) -> None:
    (artifacts,) = (check for check in checks.all_checks(settings) if check.check == "artifacts")
    assert artifacts.verdict == "warn"
    assert "157 MB" in artifacts.found


def test_a_java_that_cannot_run_is_named(settings: LabSettings) -> None:
    wrong = settings.model_copy(update={"lab_java": Path("/nowhere/java")})
    (problem,) = checks.fatal_problems(wrong)
    assert (problem.check, problem.verdict) == ("java", "fail")
