"""What is around the work of every program."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.errors import LabError
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.program import program
from kafka_cluster.settings import KafkaSettings, Settings


class OtherError(Exception):
    pass


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


def test_a_program_that_ends_well_has_status_0_and_got_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    seen: list[str] = []
    assert program(Settings, lambda settings, _clock, _stop: seen.append(settings.log_level))() == 0
    assert seen == ["ERROR"]


def test_a_signal_asks_the_work_to_stop() -> None:
    def work(_settings: Settings, _clock: Clock, stop: Stop) -> None:
        signal.raise_signal(signal.SIGTERM)
        assert stop.requested

    assert program(Settings, work)() == 0


@pytest.mark.parametrize("error", [LabError("broker", "away", "start it"), OtherError("broker: away; start it")])
def test_what_a_person_can_put_right_is_one_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def work(_settings: Settings, _clock: Clock, _stop: Stop) -> None:
        raise error

    assert program(Settings, work, OtherError)() == 1
    assert capsys.readouterr().err == "error: broker: away; start it\n"


def test_a_bug_keeps_its_traceback() -> None:
    def work(_settings: Settings, _clock: Clock, _stop: Stop) -> None:
        raise OtherError

    with pytest.raises(OtherError):
        program(Settings, work)()


def test_a_wrong_setting_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    assert program(Settings, lambda *_given: None)() == 2
    assert "LOG_LEVEL" in capsys.readouterr().err


@pytest.mark.parametrize("wait", [wait_for_broker, wait_for_registry])
def test_a_stop_ends_the_wait_for_a_server_that_is_not_there_and_that_is_a_good_end(
    wait: Callable[[KafkaSettings, Clock], object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (nobody,) = pick_free(1)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{nobody}")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", f"http://127.0.0.1:{nobody}")

    def work(settings: KafkaSettings, clock: Clock, stop: Stop) -> None:
        stop.request()
        wait(settings, clock)

    assert program(KafkaSettings, work)() == 0
    assert "error: " not in capsys.readouterr().err
