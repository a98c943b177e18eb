"""With LOG_FORMAT=json every program writes JSON and nothing else, whatever becomes of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.ports import pick_free
from tests.programs import Events, Program

pytestmark = pytest.mark.system
PASSWORD = "hunter2-and-more"  # noqa: S105 - a made-up one
WAITS_FOR_THE_BROKER = (
    "kafka_cluster", "producer", "producer.events", "producer.connections", "consumer_prediction",
    "consumer_history", "consumer_alerts", "consumer_traffic",
)  # fmt: skip


def end(program: Program, *, ask: bool = False) -> tuple[int, Events]:
    """As `Program.end`; the password is nowhere."""
    status, events = program.end(ask=ask)
    assert PASSWORD not in program.log
    return status, events


def nobody() -> dict[str, str]:
    """Addresses at which nobody answers, and a password for them."""
    broker, registry = pick_free(2)
    return {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker}",
        "SCHEMA_REGISTRY_URL": f"http://me:{PASSWORD}@127.0.0.1:{registry}",
        "KAFKA_SASL_PASSWORD": PASSWORD,
        "STARTUP_TIMEOUT_S": "1.5",
    }


def test_without_a_broker_the_client_and_the_end_are_events(tmp_path: Path) -> None:
    status, events = end(
        Program("producer.prepare", tmp_path, LAB_OFFLINE="true", DATASET_DIR=".", NAB_CHECKOUTS="none")
    )
    assert (status, [event["event"] for event in events]) == (0, ["data ready"])
    away = nobody() | {"DATASET": str(tmp_path / "dataset.json")}
    running = {name: Program(name, tmp_path, **away) for name in WAITS_FOR_THE_BROKER}
    for name, process in running.items():
        status, events = end(process)
        assert (name, status) == (name, 1)
        assert events[-1]["event"] == "ended by an error"
        assert events[-1]["thing"].startswith("broker 127.0.0.1:")
        assert "librdkafka" in {event["event"] for event in events}
        assert len(events) < 15  # the client tries ten times a second, and is heard once


def test_whatever_the_settings_the_end_is_an_event(tmp_path: Path) -> None:
    wrong = {
        "consumer_training": {"TRAINING_TREES": "0"},
        "consumer_history.migrate": {"CASSANDRA_PORT": "none"},
        "dashboard": {"DASHBOARD_TOKEN": PASSWORD[:8], "LOG_LEVEL": "LOUD"},
    }
    running = {name: Program(name, tmp_path, **settings) for name, settings in wrong.items()}
    for name, process in running.items():
        status, (event,) = end(process)
        assert status == 2
        assert event["event"] == "ended by an error"
        assert all(variable in event["reason"] for variable in wrong[name])
        assert PASSWORD[:8] not in event["reason"]


def test_the_page_and_training_without_servers_write_json_too(tmp_path: Path) -> None:
    away = nobody() | {"DASHBOARD_PORT": "0", "HEARTBEAT_FILE": str(tmp_path / "beat")}
    page, training = Program("dashboard", tmp_path, **away), Program("consumer_training", tmp_path, **away)
    status, events = end(training)
    assert (status, events[-1]["thing"].partition(" at ")[0][:15]) == (1, "Schema Registry")
    clock, deadline = SystemClock(), time.monotonic() + 60
    while not (tmp_path / "beat").exists() and page.process.poll() is None and time.monotonic() < deadline:
        clock.sleep(0.1)
    clock.sleep(0.5)  # followers have failed by then, or their clients have
    status, events = end(page, ask=True)
    assert status == 0
    assert {"page", "librdkafka"} <= {event["event"] for event in events}
