import pytest

from kafka_cluster.dead_letters import DeadLetter, DeadLetterLimit
from kafka_cluster.errors import LabError


def test_the_headers_tell_what_was_wrong_and_where() -> None:
    letter = DeadLetter("metrics", 3, 41, b"k", b"v", 5, "undecodable", "ends early")
    assert dict(letter.headers()) == {
        "error": b"undecodable",
        "reason": b"ends early",
        "topic": b"metrics",
        "partition": b"3",
        "offset": b"41",
        "timestamp_ms": b"5",
    }


def test_more_than_the_share_of_a_full_window_stops() -> None:
    limit = DeadLetterLimit(share=0.5, window=10)
    limit.count(8, 4)
    with pytest.raises(LabError, match="6 of the last 10"):
        limit.count(2, 2)


def test_nothing_stops_before_the_window_is_full() -> None:
    DeadLetterLimit(share=0.0, window=10).count(9, 9)


def test_a_good_window_wipes_the_slate() -> None:
    limit = DeadLetterLimit(share=0.5, window=10)
    limit.count(10, 5)
    limit.count(9, 9)
    with pytest.raises(LabError):
        limit.count(1, 0)
