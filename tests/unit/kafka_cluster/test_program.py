"""What is around the work of every program."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from kafka_cluster.clock import Clock, Stop
from kafka_cluster.errors import LabError
from kafka_cluster.program import program
from kafka_cluster.settings import Settings


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
