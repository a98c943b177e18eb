import pytest

from kafka_cluster.dead_letters import REPLAYS, ClientHeaders, DeadLetter, DeadLetterLimit, Header, own, replays, texts
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


def test_a_letter_that_was_sent_back_says_how_often() -> None:
    letter = DeadLetter("metrics", 3, 41, b"k", b"v", 5, "undecodable", "ends early", replays=2)
    assert replays(list(letter.headers())) == 2
    assert replays(None) == replays([]) == 0


OWN = [
    (),
    (("traceparent", b"00-1-2-01"), ("empty", b""), ("null", None)),
    (("error", b"of the record's own"), ("topic", b"t"), ("twice", b"1"), ("twice", b"2")),
]


@pytest.mark.parametrize("headers", OWN)
@pytest.mark.parametrize("again", [0, 1])
def test_a_letter_keeps_the_headers_that_the_record_had_whatever_their_names(
    headers: tuple[Header, ...], again: int
) -> None:
    letter = DeadLetter("metrics", 3, 41, b"k", b"v", 5, "undecodable", "ends early", again, headers)
    travels: ClientHeaders = list(letter.headers())
    assert own(travels) == headers
    assert texts(travels)["error"] == "undecodable"
    assert replays(travels) == again
    assert own([*headers, (REPLAYS, b"1")]) == headers  # as it is sent back


@pytest.mark.parametrize("content", [b"", b"-1", b"x", b"\xff", None, "1.5", b"9" * 5_000, "²".encode()])
def test_a_count_of_replays_that_is_none_is_zero(content: str | bytes | None) -> None:
    assert replays([("replays", content)]) == 0


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
