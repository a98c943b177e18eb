from __future__ import annotations

from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from dashboard.board import Board, Known
from dashboard.models import Champion
from dashboard.pipeline_shapes import AlertsOut, PipelineOut, WaitingOut
from dashboard.settings import DashboardSettings
from dashboard.survey import Survey
from kafka_cluster.clock import ManualClock, Stop
from kafka_cluster.committed import note
from kafka_cluster.incident import Told
from kafka_cluster.records import ModelAnnouncement, Role
from tests.unit.dashboard.test_incidents import incident

ANNOUNCED = ModelAnnouncement("cloudwatch", "v1", "cloudwatch/v1", "", Role.CHAMPION, 1)


def answered(value: Any) -> Future[Any]:
    made: Future[Any] = Future()
    made.set_result(value)
    return made


@dataclass
class Broker:
    """As much of an admin client as the survey asks for. Offsets are by topic, and by group and topic."""

    ends: dict[str, dict[int, int]] = field(default_factory=lambda: {"metrics": {0: 0, 1: 0}})
    committed: dict[tuple[str, str], dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    notes: dict[int, str] = field(default_factory=dict)
    holds: dict[str, list[int]] = field(default_factory=dict)

    def list_topics(self, topic: str, timeout: float) -> Any:  # noqa: ARG002 - the client's signature
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions=self.ends.get(topic, {}))})

    def list_offsets(self, wanted: dict[TopicPartition, Any], request_timeout: float) -> Any:  # noqa: ARG002
        return {one: answered(SimpleNamespace(offset=self.ends[one.topic][one.partition])) for one in wanted}

    def list_consumer_group_offsets(self, asked: list[Any], request_timeout: float) -> Any:  # noqa: ARG002
        group = asked[0].group_id
        places = [
            TopicPartition(topic, number, offset, self.notes.get(number, ""))
            for (name, topic), offsets in self.committed.items()
            if name == group
            for number, offset in offsets.items()
        ]
        return {group: answered(SimpleNamespace(topic_partitions=places))}

    def describe_consumer_groups(self, groups: list[str], request_timeout: float) -> Any:  # noqa: ARG002
        members = [
            SimpleNamespace(
                client_id=name,
                host="/127.0.0.1",
                assignment=SimpleNamespace(topic_partitions=[TopicPartition("metrics", number) for number in numbers]),
            )
            for name, numbers in self.holds.items()
        ]
        return {groups[0]: answered(SimpleNamespace(state=SimpleNamespace(name="STABLE"), members=members))}


class Look:
    """A survey, a second of whose time passes between two looks."""

    def __init__(self, known: Known | None = None) -> None:
        settings, self.clock, self.broker = DashboardSettings.read(), ManualClock(1_000.0), Broker()
        self.board = Board(settings, self.clock, known or Known())
        admin: Any = self.broker
        self._survey = Survey(settings, self.board, self.clock, Stop(), admin)

    def look(self) -> PipelineOut:
        self.clock.sleep(1.0)
        self._survey.look()
        assert self.board.pipeline is not None
        return self.board.pipeline


@pytest.fixture
def at() -> Look:
    return Look()


def test_rates_are_what_came_in_the_last_seconds(at: Look) -> None:
    for number in range(10):
        at.broker.ends["metrics"] = {0: 30 * number, 1: 10 * number}
        seen = at.look()
    assert seen.rate == 40.0
    assert [one.rate for one in seen.partitions] == [30.0, 10.0]
    assert seen.records == 360
    assert seen.quiet_s is None


def test_a_topic_made_anew_is_no_negative_rate(at: Look) -> None:
    at.broker.ends["metrics"] = {0: 1_000, 1: 0}
    at.look()
    at.broker.ends["metrics"] = {0: 5, 1: 0}
    assert at.look().rate == 0.0


def test_silence_is_told_with_its_length(at: Look) -> None:
    at.broker.ends["metrics"] = {0: 1, 1: 0}
    for _ in range(9):
        seen = at.look()
    assert seen.quiet_s == 8.0
    at.board.newest_s = at.clock.now() - 100  # the broker took the newest record long before anybody looked
    assert at.look().quiet_s == 101.0


def test_lag_is_of_the_partitions_that_the_group_has_committed_and_in_seconds_of_its_own_speed(at: Look) -> None:
    at.broker.holds = {"one": [0], "two": [1]}
    for number in range(10):
        at.broker.ends["metrics"] = {0: 100 * number, 1: 7}
        at.broker.committed["prediction", "metrics"] = {0: 50 * number}
        seen = at.look()
    assert (seen.lag, seen.scored_rate, seen.lag_s) == (450, 50.0, 9.0)
    assert [(one.holder, one.lag) for one in seen.partitions] == [("one", 450), ("two", None)]


def test_it_says_what_is_waited_for_and_how_long_that_takes() -> None:
    at = Look(Known(records=1_897))
    there, at.broker.ends = at.broker.ends, {}
    assert at.look().waiting == WaitingOut(state="topics")
    at.broker.ends = there
    assert at.look().waiting == WaitingOut(state="records")
    for number in range(1, 9):
        at.broker.ends["metrics"] = {0: 50 * number, 1: 12}
        seen = at.look()
    assert seen.waiting == WaitingOut(state="model", have=412, need=1_138, about_s=14.5)
    at.board.champion = Champion(ANNOUNCED, None)
    assert at.look().waiting == WaitingOut(state="consumers")
    at.broker.holds = {"one": [0, 1]}
    at.look()
    assert at.look().waiting is None


def test_the_history_is_shown_where_its_group_reads_the_events(at: Look) -> None:
    assert at.look().history is None
    for number in range(4):
        at.broker.ends["events"] = {0: 1_000 * number}
        at.broker.committed["history", "events"] = {0: 900 * number}
        seen = at.look()
    assert seen.history is not None
    assert (seen.history.rate, seen.history.stored_rate) == (1_000.0, 900.0)
    assert seen.history.lag > 0


def test_the_share_of_events_that_is_checked_is_read_from_what_the_group_committed(at: Look) -> None:
    at.broker.ends["events"] = dict.fromkeys(range(4), 9)
    at.broker.committed["history", "events"] = dict.fromkeys(range(4), 5)
    seen = at.look().history
    assert seen is not None
    assert seen.checked is None
    at.broker.notes = {0: note(1.0), 1: note(0.25), 2: "of another program", 3: "[]"}
    for _ in range(2):
        seen = at.look().history
    assert seen is not None
    assert seen.checked == 0.625


def test_incidents_are_told_of_where_somebody_tells_or_did(at: Look) -> None:
    assert at.look().alerts is None
    with at.board.lock:
        at.board.incidents.put("1", incident(1, told=(Told("slack"),)))
    assert at.look().alerts == AlertsOut(open=1, untold=1, consumers=0)
    at.broker.holds = {"one": [0, 1]}
    at.look()
    assert at.look().alerts == AlertsOut(open=1, untold=1, consumers=1)
