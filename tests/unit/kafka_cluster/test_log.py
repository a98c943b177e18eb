"""What a log line is, whoever speaks."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from kafka_cluster import hidden, log
from kafka_cluster.client_log import SAME_AGAIN_S, ClientLog, Repeats
from kafka_cluster.clock import ManualClock
from kafka_cluster.errors import LabError, one_clear_line
from kafka_cluster.log import LibraryHandler, configure, get_logger

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def log_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(log, "_listen_to_python", lambda: None)  # pytest has hooks of its own there
    root, before = logging.getLogger(), structlog.get_config()
    level, chosen, handlers = root.level, log._Chosen.log_format, list(root.handlers)
    yield
    structlog.configure(**before)
    log._Chosen.log_format = chosen
    root.setLevel(level)
    root.handlers[:] = handlers
    logging.captureWarnings(capture=False)


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in capsys.readouterr().err.splitlines()]


def test_in_json_an_event_is_one_object_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    get_logger().info("anomaly", key="two\nlines", score=float("nan"), path=Path("x"), offsets={3: 9})
    (event,) = said(capsys)
    assert (event["event"], event["level"], event["key"], event["score"]) == ("anomaly", "info", "two\nlines", "NaN")
    assert event["offsets"] == {"3": 9}


def test_on_the_console_an_event_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure("console")
    get_logger().info("anomaly", key="two\nlines")
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_the_level_reaches_libraries(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", level)
    for name in ("DEBUG", "INFO", "WARNING", "ERROR"):
        logging.getLogger("some.library").log(logging.getLevelNamesMapping()[name], "at %s", name)
    heard = {"DEBUG": 4, "INFO": 2, "WARNING": 2, "ERROR": 1}[level]
    assert [event["said"] for event in said(capsys)] == ["at DEBUG", "at INFO", "at WARNING", "at ERROR"][-heard:]


def test_libraries_speak_once_however_often_it_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    configure("json")
    logging.getLogger("some.driver").warning("away")
    (event,) = said(capsys)
    assert (event["event"], event["name"], event["said"]) == ("library", "some.driver", "away")


def test_a_librarys_bad_arguments_and_odd_levels_are_events_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    for level, text in ((30, "%d of %d"), (35, "between: %s")):
        LibraryHandler().handle(logging.LogRecord("some", level, "", 1, text, ("one",), None))
    first, second = said(capsys)
    assert "one" in first["said"]
    assert second["level"] == "warning"


def test_a_librarys_error_carries_its_traceback_inside_the_event(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    try:
        raise KeyError("k")  # noqa: TRY301 - it is to be caught
    except KeyError:
        logging.getLogger("some").exception("broken")
    (event,) = said(capsys)
    assert "KeyError" in event["exception"]


def test_format_and_level_come_from_the_environment_where_they_are_not_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    configure()
    get_logger().warning("low")
    get_logger().error("high")
    assert [event["event"] for event in said(capsys)] == ["high"]


def test_in_json_the_closing_error_is_an_event_even_before_the_settings_were_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    monkeypatch.setattr(log._Chosen, "log_format", None)

    def main() -> int:
        raise LabError("broker", "away", "start it")

    assert one_clear_line(main)() == 1
    (event,) = said(capsys)
    assert (event["event"], event["thing"], event["way_out"]) == ("ended by an error", "broker", "start it")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_secret_is_in_no_line(log_format: log.LogFormat, capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format)
    hidden.remember('user:hunter"2ü')
    get_logger().error("refused", error='cannot log in as user:hunter"2ü', password='hunter"2ü')  # noqa: S106 - made up
    logging.getLogger("httpx").warning("GET http://me:swordfish@registry:8081/subjects")
    log.closing(LabError("registry", 'no hunter"2ü'))
    err = capsys.readouterr().err
    assert "hunter" not in err
    assert "swordfish" not in err
    assert "registry:8081" in err


def test_a_client_that_says_the_same_again_and_again_is_heard_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    clock = ManualClock()
    client = ClientLog(clock)
    for ms in range(50):
        client.log(40, "%s [%s] %s", "FAIL", "rdkafka#producer-1", f"refused (after {ms}ms in state CONNECT)")
    clock.sleep(SAME_AGAIN_S)
    client.log(40, "%s [%s] %s", "FAIL", "rdkafka#producer-1", "refused (after 0ms in state CONNECT)")
    first, second = said(capsys)
    assert (first["event"], first["level"], first["facility"], first["client"]) == (
        "librdkafka", "error", "FAIL", "rdkafka#producer-1",
    )  # fmt: skip
    assert "held_back" not in first
    assert second["held_back"] == 49


def test_another_sentence_is_news_at_once() -> None:
    repeats = Repeats(ManualClock())
    assert repeats.news("a", "x") == 0
    assert repeats.news("a", "x") is None
    assert repeats.news("b", "x") == 0
    assert repeats.news("a", "y") == 1


def test_the_handler_is_the_only_one_of_its_kind() -> None:
    configure("json")
    configure("console")
    assert sum(isinstance(one, LibraryHandler) for one in logging.getLogger().handlers) == 1


BROKEN = """
import threading, warnings
from kafka_cluster.program import program
from kafka_cluster.settings import KafkaSettings

class Unraisable:
    def __del__(self):
        raise ValueError("in del")

def work(settings, clock, stop):
    warnings.warn("old")
    Unraisable()
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    raise RuntimeError(f"a bug, and {settings.kafka_sasl_password.get_secret_value()}")

program(KafkaSettings, work)()
"""


def test_in_json_every_line_of_a_crash_is_an_event_and_has_no_secret() -> None:
    env = {
        "LOG_FORMAT": "json",
        "PYTHONPATH": str(ROOT),
        "KAFKA_SASL_PASSWORD": "hunter2",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run([sys.executable, "-c", BROKEN], env=env, capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in ran.stderr.splitlines()]
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert [event["event"] for event in events] == ["library", "unhandled error", "unhandled error", "unhandled error"]
    assert "old" in events[0]["said"]
    for event, kind in zip(events[1:], ("ValueError", "ZeroDivisionError", "RuntimeError"), strict=True):
        assert kind in event["exception"]
    assert "hunter2" not in ran.stderr
