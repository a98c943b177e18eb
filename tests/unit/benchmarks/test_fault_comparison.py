"""The comparison of `lab faults` sees what a fault may do."""

from __future__ import annotations

from collections import Counter

from benchmarks.faults.compare import Committed, Differences, compare
from kafka_cluster.records import Anomaly, Severity

RIGHT = Differences(lost=0, duplicated=0, out_of_order=0, foreign=0)


def anomaly(key: str, time_ms: int, *, offset: int | None = None, model: str = "a", score: float = 0.7) -> Anomaly:
    return Anomaly(
        id=f"{key}{time_ms}{offset}", topic="t", partition=0, offset=time_ms if offset is None else offset, key=key,
        timestamp=time_ms, detector="d", model_version=model, score=score, threshold=0.6, severity=Severity.LOW,
        evidence=(), reason="",
    )  # fmt: skip


EXPECTED = [anomaly(key, time_ms) for key in "xy" for time_ms in (1, 2, 3)]


def found(*anomalies: Anomaly, letters: tuple[bytes, ...] = ()) -> Committed:
    return Committed(anomalies, Counter(letters))


def test_the_same_anomalies_at_other_offsets_are_no_difference() -> None:
    moved = [anomaly(str(one.key), one.timestamp, offset=one.offset + 7) for one in EXPECTED]
    assert compare([EXPECTED], Counter(), found(*moved)) == RIGHT


def test_an_anomaly_that_is_not_there_is_lost() -> None:
    assert compare([EXPECTED], Counter(), found(*EXPECTED[1:])) == RIGHT._replace(lost=1)


def test_an_anomaly_that_is_there_twice_is_duplicated_even_under_another_id() -> None:
    again = anomaly("y", 3, offset=4)
    assert compare([EXPECTED], Counter(), found(*EXPECTED, again)) == RIGHT._replace(duplicated=1)


def test_a_later_record_in_front_of_an_earlier_one_of_its_key_is_out_of_order() -> None:
    swapped = [EXPECTED[1], EXPECTED[0], *EXPECTED[2:]]
    assert compare([EXPECTED], Counter(), found(*swapped)) == RIGHT._replace(out_of_order=1)


def test_another_score_is_one_lost_and_one_foreign() -> None:
    wrong = [anomaly("x", 1, score=0.9), *EXPECTED[1:]]
    assert compare([EXPECTED], Counter(), found(*wrong)) == RIGHT._replace(lost=1, foreign=1)


def test_dead_letters_count_like_anomalies() -> None:
    letters: Counter[bytes | None] = Counter([b"1", b"2"])
    assert compare([EXPECTED], letters, found(*EXPECTED, letters=(b"1", b"2"))) == RIGHT
    assert compare([EXPECTED], letters, found(*EXPECTED, letters=(b"1",))) == RIGHT._replace(lost=1)
    assert compare([EXPECTED], letters, found(*EXPECTED, letters=(b"1", b"1", b"2"))) == RIGHT._replace(duplicated=1)
    assert compare([EXPECTED], letters, found(*EXPECTED, letters=(b"1", b"2", b"3"))) == RIGHT._replace(foreign=1)


def test_two_models_may_change_at_one_record_of_each_key() -> None:
    first, second = EXPECTED, [anomaly(str(one.key), one.timestamp, model="b") for one in EXPECTED]
    swapped = [first[0], second[1], second[2], *second[3:]]
    assert compare([first, second], Counter(), found(*swapped)) == RIGHT


def test_two_models_may_not_change_back_and_forth() -> None:
    first, second = EXPECTED, [anomaly(str(one.key), one.timestamp, model="b") for one in EXPECTED]
    mixed = [first[0], second[1], first[2], *first[3:]]
    assert compare([first, second], Counter(), found(*mixed)).lost == 1


def test_an_anomaly_that_both_models_expect_is_lost_where_neither_gave_it() -> None:
    first, second = EXPECTED, [anomaly(str(one.key), one.timestamp, model="b") for one in EXPECTED]
    assert compare([first, second], Counter(), found(first[0], second[2], *second[3:])).lost == 1
