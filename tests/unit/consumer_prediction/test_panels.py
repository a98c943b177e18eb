from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME, Message, TopicPartition
from structlog.testing import capture_logs

from consumer_prediction.panels import LOOK_EVERY_S, Found, Panels
from consumer_prediction.settings import PredictionSettings
from detectors.config_file import ConfigError
from kafka_cluster.clock import ManualClock
from kafka_cluster.codec import Columns
from kafka_cluster.consumed import ConsumedBatch

METRICS = ("network", "disk", "cpu")
MINUTE = 60_000
START = 1_700_006_400_000


class At:
    """A message, as far as it is asked here."""

    def __init__(self, partition: int, offset: int) -> None:
        self._at = partition, offset

    def partition(self) -> int:
        return self._at[0]

    def offset(self) -> int:
        return self._at[1]


def panels(file: Path | None, rewind: int = 100) -> tuple[Panels, ManualClock]:
    clock = ManualClock()
    settings = PredictionSettings.read(detectors_file=file, detectors_rewind=rewind)
    return Panels(settings, clock), clock


def test_without_a_file_the_forest_is_alone() -> None:
    made, _ = panels(None)
    made.look(METRICS)
    assert made.plan.forest
    assert made.begin(0, 500) == 500


def test_a_file_that_is_wrong_at_the_start_ends_it(tmp_path: Path) -> None:
    (tmp_path / "detectors.yaml").write_text("forest: 7")
    with pytest.raises(ConfigError, match=r"detectors\.yaml, line 1, forest"):
        panels(tmp_path / "detectors.yaml")[0].look(METRICS)


def test_a_changed_file_is_taken_up_between_batches_and_a_wrong_one_is_said_once_and_left(tmp_path: Path) -> None:
    file = tmp_path / "detectors.yaml"
    file.write_text("forest: true")
    made, clock = panels(file)
    made.look(METRICS)
    file.write_text("detectors: [{detector: cusum}]")
    made.look(METRICS)
    assert not made.plan.keyed  # too soon
    clock.sleep(LOOK_EVERY_S)
    made.look(METRICS)
    assert [chart.name for chart in made.plan.charts] == ["cusum"]
    with capture_logs() as said:
        for text in ("detectors: [{detector: oracle}]", None, None):
            if text is not None:
                file.write_text(text)
            clock.sleep(LOOK_EVERY_S)
            made.look(METRICS)
    assert len(said) == 1
    assert "must be one of" in said[0]["error"]
    assert [chart.name for chart in made.plan.charts] == ["cusum"]
    file.write_text("forest: false")
    clock.sleep(LOOK_EVERY_S)
    made.look(METRICS)
    assert not made.plan.forest


def test_what_comes_before_the_first_record_of_a_partition_is_learned_and_not_judged(tmp_path: Path) -> None:
    (tmp_path / "detectors.yaml").write_text("detectors: [{detector: cusum}]")
    made, _ = panels(tmp_path / "detectors.yaml")
    made.look(METRICS)
    assert [made.begin(0, 500), made.begin(1, 20), made.begin(2, -2)] == [400, 0, -2]
    came: Any = [At(0, 400), At(2, 0), At(0, 499), At(1, 20), At(0, 500), At(0, 501), At(1, 21)]
    before, new = made.split(cast(list[Message], came))
    assert before == [came[0], came[2]]
    assert new == [came[1], came[3], *came[4:]]
    made.reached([TopicPartition("metrics", 0, 500), TopicPartition("metrics", 1, 20)])
    assert made.split(cast(list[Message], came[3:]))[0] == []


class Stream:
    """Partition 0: every minute a record of each of two keys, appended at that minute, or at another pace."""

    def __init__(self, pace: float = 1.0, kind: int = TIMESTAMP_LOG_APPEND_TIME) -> None:
        self._pace, self._kind = pace, kind

    def _message(self, offset: int) -> Message:
        appended = START + int(offset // 2 * MINUTE / self._pace)
        key = b"ab"[offset % 2 :][:1]
        return Message(
            topic="metrics", partition=0, offset=offset, key=key, value=b"", timestamp=(self._kind, appended)
        )

    def give(self, made: Panels, first: int, last: int) -> list[tuple[str | None, int]]:
        """The offsets `first` to before `last`, as the worker gives them; keys and offsets of what is found."""
        found = []
        before, new = made.split([self._message(offset) for offset in range(first, last)])
        for part in (before, new):
            if part:
                batch = ConsumedBatch("metrics", part)
                rows, offsets = np.arange(len(part)), np.array(batch.offsets())
                columns = Columns(rows, START + offsets // 2 * MINUTE, np.zeros((len(part), 3)), [])
                told = made.judge(batch, columns, cast(Any, Usual()))
                made.reached(batch.nexts())
                found += said(told) if part is new else []
        return found


class Usual:
    """A model of which nothing but the profile is asked."""

    profile = cast(Any, None)


def said(found: list[Found]) -> list[tuple[str | None, int]]:
    return [(anomaly.key, anomaly.offset) for _, anomaly in found]


def detectors(found: list[Found]) -> list[str]:
    return [anomaly.detector for _, anomaly in found]


def listening(folder: Path) -> tuple[Panels, ManualClock]:
    (folder / "rules.yaml").write_text("rules: [{name: gone, when: absent for 30m}]")
    (folder / "detectors.yaml").write_text("{silence: {}, rules: rules.yaml}")
    made, clock = panels(folder / "detectors.yaml", rewind=1_000)
    made.look(METRICS)
    return made, clock


def at(clock: ManualClock, minute: float) -> None:
    clock.sleep(START / 1_000 + minute * 60 - clock.now())


def test_a_partition_that_says_nothing_is_told_by_the_wall_clock_once_and_absent_keys_too(tmp_path: Path) -> None:
    made, clock = listening(tmp_path)
    assert made.begin(0, 0) == 0
    assert Stream().give(made, 0, 200) == []
    at(clock, 101)
    assert made.overdue() == []
    at(clock, 110)
    assert made.overdue() == [(0, 200)]
    assert made.overdue() == []  # asked too soon
    found, tick = made.tick(0, 200)
    assert (said(found), detectors(found)) == ([("a", 198), ("b", 199)], 2 * ["silence"])
    assert len({anomaly.id for _, anomaly in found}) == 2
    made.ticked(0, tick)
    at(clock, 112)
    assert made.overdue() == []
    at(clock, 140)
    assert detectors(made.tick(0, 200)[0]) == 2 * ["rules/gone"]


def test_a_replay_at_its_end_and_a_topic_with_the_times_of_producers_are_not_told(tmp_path: Path) -> None:
    for stream in (Stream(pace=300.0), Stream(kind=TIMESTAMP_CREATE_TIME)):
        made, clock = listening(tmp_path)
        made.begin(0, 0)
        stream.give(made, 0, 200)
        at(clock, 10_000)
        assert made.overdue() == []


@pytest.mark.parametrize("split", [0, 150, 200])
def test_who_takes_a_partition_over_repeats_nothing_that_the_clock_has_told(tmp_path: Path, split: int) -> None:
    first, clock = listening(tmp_path)
    first.begin(0, 0)
    Stream().give(first, 0, 200)
    at(clock, 110)
    first.ticked(0, first.tick(0, 200)[1])
    (committed,) = first.marked([TopicPartition("metrics", 0, 200)])
    second, clock = listening(tmp_path)
    assert second.begin(0, 200, committed.metadata) == 0
    Stream().give(second, 0, split)
    at(clock, 111)
    assert second.overdue() == []  # nor before everything is learned
    Stream().give(second, split, 200)
    at(clock, 112)
    assert second.overdue() == []
    at(clock, 140)
    assert second.overdue() == [(0, 200)]  # what is new is told
    assert detectors(second.tick(0, 200)[0]) == 2 * ["rules/gone"]


def test_what_was_told_stays_in_the_commits_until_the_time_of_the_stream_is_past_it(tmp_path: Path) -> None:
    made, clock = listening(tmp_path)
    made.begin(0, 0)
    Stream().give(made, 0, 200)
    at(clock, 105)
    _, tick = made.tick(0, 200)
    made.ticked(0, tick)
    assert tick is not None
    assert Stream().give(made, 200, 201) == []  # a is back, b is not
    (committed,) = made.marked([TopicPartition("metrics", 0, 201)])
    assert committed.metadata == tick.text
    for undone in (True, False):
        assert (made.again(0, 201) if undone else made.begin(0, 201, committed.metadata)) == 0
        assert Stream().give(made, 0, 201) == []
        assert Stream().give(made, 201, 260) == []
        assert made.marked([TopicPartition("metrics", 0, 260)])[0].metadata is None


def test_a_commit_that_says_something_else_says_nothing_of_the_clock(tmp_path: Path) -> None:
    made, _ = listening(tmp_path)
    assert made.begin(0, 50, "of somebody else") == 0
    assert made.marked([TopicPartition("metrics", 0, 50)])[0].metadata is None
