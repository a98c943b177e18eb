"""Threads that deliver: a channel that hangs or is away holds up no other, and nothing arrives without being known."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer_alerts.channels.channel import Channel, ChannelError
from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.courier import Dispatch
from consumer_alerts.following import RulesWatch
from consumer_alerts.telling import Message, Outcome
from detectors.config_file import ConfigError
from kafka_cluster.clock import Clock, ManualClock, SystemClock
from tests.unit.consumer_alerts.test_lane import message

WAIT_S = 30.0


class Listening:
    """A channel that notes what it gets, and fails or hangs when told to."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.error: Exception | None = None
        self.go_on = threading.Event()
        self.go_on.set()
        self.closed = threading.Event()

    def send(self, message: Message) -> str | None:
        self.go_on.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        self.got.append(message.incident.id)
        return f"ref-{message.incident.id}"

    def close(self) -> None:
        self.closed.set()


class Stage:
    """A dispatch with channels that listen."""

    def __init__(self) -> None:
        self.made: dict[str, Listening] = {}
        self.dispatch = Dispatch(SystemClock(), self.make)

    def make(self, config: ChannelConfig, _: Clock) -> Channel:
        self.made[config.name] = Listening()
        return self.made[config.name]

    def use(self, *names: str, updates_ms: int = 0) -> None:
        self.dispatch.use({name: ChannelConfig(name, "log", updates_ms=updates_ms) for name in names})

    def offer(self, channel: str, *identities: str) -> None:
        messages = [message(identity) for identity in identities]
        self.dispatch.offer([one._replace(told=one.told._replace(channel=channel)) for one in messages])

    def told(self, number: int) -> list[Outcome]:
        found: list[Outcome] = []
        for _ in range(600):
            found += self.dispatch.told(0.05)
            if len(found) >= number:
                return found
        raise AssertionError(f"{len(found)} of {number} arrived")


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    for one in made.made.values():
        one.go_on.set()
    made.dispatch.close()


def test_what_arrives_is_known_with_what_the_channel_calls_it(stage: Stage) -> None:
    stage.use("a")
    stage.offer("a", "1", "2")
    assert [(one.channel, one.incident, one.reference) for one in stage.told(2)] == [
        ("a", "1", "ref-1"), ("a", "2", "ref-2"),
    ]  # fmt: skip
    assert stage.dispatch.sent.delivered == {"a": 2}


def test_a_channel_that_hangs_holds_up_no_other(stage: Stage) -> None:
    stage.use("hangs", "works")
    stage.made["hangs"].go_on.clear()
    stage.offer("hangs", "1")
    stage.offer("works", "1", "2", "3")
    assert {one.channel for one in stage.told(3)} == {"works"}
    assert stage.dispatch.waiting == 1


def test_what_fails_waits_and_is_said_with_the_time_of_the_next_attempt(stage: Stage) -> None:
    stage.use("a")
    stage.made["a"].error = ChannelError("away", after_s=300)
    with capture_logs() as events:
        stage.offer("a", "1")
        assert stage.dispatch.finish(WAIT_S) == []  # it ends early: nothing can be sent before five minutes are over
    assert [(event["event"], event["error"]) for event in events] == [("message not delivered", "away")]
    assert (stage.dispatch.waiting, stage.dispatch.sent.failed) == (1, {"a": 1})


def test_the_end_waits_for_what_can_be_sent(stage: Stage) -> None:
    stage.use("a")
    stage.offer("a", *map(str, range(50)))
    assert len(stage.dispatch.finish(WAIT_S)) == 50


def test_a_bug_in_a_channel_ends_the_program_and_not_the_channel_in_silence(stage: Stage) -> None:
    stage.use("a")
    stage.made["a"].error = KeyError("bug")
    stage.offer("a", "1")
    with pytest.raises(KeyError, match="bug"):
        stage.told(1)


def test_channels_that_do_not_change_go_on_and_others_are_made_anew(stage: Stage) -> None:
    stage.use("a", "b")
    a, b = stage.made["a"], stage.made["b"]
    stage.use("a")
    assert b.closed.wait(WAIT_S)
    assert stage.made["a"] is a
    stage.use("a", updates_ms=5)
    assert a.closed.wait(WAIT_S)
    assert stage.made["a"] is not a


def test_a_changed_file_is_taken_up_and_a_bad_one_is_not(stage: Stage, tmp_path: Path) -> None:
    path, clock = tmp_path / "alerts.yaml", ManualClock()
    path.write_text("channels: {a: {type: log}}")
    watch = RulesWatch(path, stage.dispatch, clock)
    assert list(watch.look().channels) == ["a"]
    path.write_text("channels: {a: {type: log}, b: {type: log}}")
    assert list(watch.look().channels) == ["a"]  # not more than once a second
    clock.sleep(1)
    assert list(watch.look().channels) == ["a", "b"]
    for bad in ("channels: {a: {type: fax}}", "channels: ["):
        path.write_text(bad)
        clock.sleep(1)
        with capture_logs() as events:
            assert list(watch.look().channels) == ["a", "b"]
            clock.sleep(1)
            watch.look()
        assert [event["event"] for event in events] == ["alerts file not usable: what was before goes on"]
    with pytest.raises(ConfigError, match="is no YAML"):
        RulesWatch(path, stage.dispatch, clock)
