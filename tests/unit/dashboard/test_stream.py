from __future__ import annotations

import numpy as np

from dashboard.board import Board
from dashboard.models import Champion
from dashboard.shapes import Update
from dashboard.stream import ANOMALIES_A_TURN, Place, Reader
from detectors.profile import Profile
from kafka_cluster.clock import ManualClock
from kafka_cluster.records import Judgement, ModelAnnouncement, Role, Verdict
from tests.unit.dashboard.conftest import METRICS, anomaly, take


def reader(board: Board, place: Place | None = None, key: str | None = None) -> Reader:
    return Reader(board, ManualClock(5.0), key, place or Place())


def read(one: Reader) -> Update:
    update = one.read()
    assert update is not None
    return update


def times(update: Update) -> list[int]:
    return [] if update.points is None else [one // 1000 for one in update.points.t]


def test_a_page_that_opens_gets_all_and_then_only_what_is_new(board: Board) -> None:
    take(board, 10)
    board.put_anomaly(anomaly(1))
    one = reader(board)
    first = read(one)
    assert (first.reset, times(first), len(first.anomalies)) == (True, list(range(10)), 1)
    assert [metric.name for metric in first.metrics or []] == list(METRICS)
    assert one.read() is None
    take(board, 2, first=10)
    board.judge(f"{1:032x}", Verdict(f"{1:032x}", Judgement.TRUE_ALARM, "anna", 5))
    second = read(one)
    assert (second.reset, times(second)) == (False, [10, 11])
    assert [judged.verdict and judged.verdict.by for judged in second.anomalies] == ["anna"]


def test_a_page_that_comes_back_gets_the_rest_without_a_gap_or_a_repetition(board: Board) -> None:
    take(board, 10)
    before = reader(board)
    read(before)
    take(board, 50, first=10)
    board.put_anomaly(anomaly(1))
    after = read(reader(board, Place.parse(str(before.place))))
    assert (after.reset, times(after), len(after.anomalies)) == (False, list(range(10, 60)), 1)


def test_a_page_asleep_for_longer_than_is_kept_begins_anew(board: Board) -> None:
    take(board, 10)
    before = reader(board)
    read(before)
    take(board, 101, first=10)
    after = read(reader(board, before.place))
    assert (after.reset, times(after)[0], times(after)[-50:]) == (True, 0, list(range(61, 111)))


def test_a_page_of_an_earlier_life_of_the_program_begins_anew(board: Board) -> None:
    take(board, 10)
    assert read(reader(board, Place(board.born_ms - 1, 10, 0))).reset


def test_the_first_model_makes_a_page_begin_anew_since_its_points_have_scores_now(board: Board) -> None:
    announced = ModelAnnouncement("cloudwatch", "v1", "cloudwatch/v1", "", Role.CHAMPION, 1)
    board.champion = Champion(announced, None, why="not there")
    one = reader(board)
    read(one)
    take(board, 1)
    board.champion = Champion(announced, _Model())  # type: ignore[arg-type] # as far as it is looked at
    assert read(one).reset


def test_of_a_storm_a_page_gets_the_strongest_and_whatever_was_judged(board: Board) -> None:
    one = reader(board)
    read(one)
    for number in range(1_000):
        board.put_anomaly(anomaly(number, score=number / 1_000))
    board.judge(f"{3:032x}", Verdict(f"{3:032x}", Judgement.TRUE_ALARM, "anna", 5))
    came = {int(judged.id, 16) for judged in read(one).anomalies}
    assert came == {3, *range(1_000 - ANOMALIES_A_TURN + 1, 1_000)}


def test_one_key_is_shown_alone(board: Board) -> None:
    take(board, 10)
    one = reader(board, key="host-1")
    assert times(read(one)) == [1, 3, 5, 7, 9]
    take(board, 2, first=10)
    assert times(read(one)) == [11]


def test_a_key_that_nobody_knows_yet_is_waited_for(board: Board) -> None:
    one = reader(board, key="host-1")
    assert times(read(one)) == []
    take(board, 2)
    assert times(read(one)) == [1]


def test_a_place_that_is_none_is_the_beginning() -> None:
    assert Place.parse("5-6-7") == Place(5, 6, 7)
    for text in (None, "", "5-6", "a-b-c", "1-2-3-4", "-1-2-3", "٣-1-1"):
        assert Place.parse(text) == Place()


class _Model:
    """A model of other metrics than the records have."""

    metrics = features = ("other",)
    threshold = top_score = 0.5
    profile = Profile(np.zeros((24, 1)), np.zeros(1), np.ones(1))
