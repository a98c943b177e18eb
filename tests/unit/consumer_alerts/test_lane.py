"""What waits for a channel, in which order, and how long after a failure."""

from __future__ import annotations

import pytest

from consumer_alerts.channels.channel import ChannelError
from consumer_alerts.lane import LONGEST_WAIT_S, MOST_REFUSALS, Lane
from consumer_alerts.telling import Message, News
from kafka_cluster.incident import Incident, Kind, State, Told
from kafka_cluster.records import Severity


def message(identity: str, news: News = News.OPENED, partition: int = 0) -> Message:
    incident = Incident(identity, Kind.INCIDENT, identity, State.OPEN, Severity.LOW, 1, 0.5, "p", "r", 0, 0, (), 0)
    return Message(incident, Told("c"), news, partition)


def lane(*messages: Message) -> Lane:
    made = Lane(seed=1)
    for one in messages:
        made.offer(one)
    return made


def taken(one: Lane, now: float = 0) -> str | None:
    found = one.next(now)
    return None if found is None else found.incident.id


def test_the_newest_message_on_an_incident_takes_the_place_of_an_older_one() -> None:
    one = lane(message("a"), message("b"), message("a", News.OVER))
    first = one.next(0)
    assert first is not None
    assert (first.incident.id, first.news, len(one)) == ("a", News.OVER, 2)


def test_what_is_new_goes_before_what_is_only_said_again() -> None:
    assert taken(lane(message("a", News.AGAIN), message("b"))) == "b"


def test_while_a_message_is_on_its_way_or_not_read_no_other_on_that_incident_is_taken() -> None:
    one = lane(message("a"))
    one.next(0)
    one.offer(message("a"))
    one.arrived()
    one.offer(message("a"))  # offered before whoever offers knew
    assert one.next(0) is None
    one.read("a")
    one.offer(message("a", News.RESOLVED))
    assert taken(one) == "a"


def test_waits_double_up_to_a_minute_with_jitter_and_end_with_the_first_success() -> None:
    one, now, waits = lane(message("a")), 0.0, []
    for _ in range(12):
        assert taken(one, now) == "a"
        waits.append(one.failed(ChannelError("away"), now).wait_s)
        assert taken(one, now + waits[-1] * 0.99) is None
        now += waits[-1]
    for wait, longest in zip(waits, (1, 2, 4, 8, 16, 32, *[LONGEST_WAIT_S] * 6), strict=True):
        assert longest / 2 <= wait <= longest
    assert len({wait / longest for wait, longest in zip(waits[6:], [LONGEST_WAIT_S] * 6, strict=True)}) > 1
    taken(one, now)
    one.arrived()
    one.offer(message("b"))
    assert taken(one, now) == "b"


def test_a_longer_wait_that_the_other_side_asks_for_is_kept() -> None:
    one = lane(message("a"))
    one.next(0)
    assert one.failed(ChannelError("slow down", after_s=30), 0).wait_s == 30
    assert one.wait_s(10) == 20


def test_a_message_that_fails_holds_up_no_other() -> None:
    one = lane(message("bad"), message("good"))
    assert taken(one) == "bad"
    wait_s = one.failed(ChannelError("no", refused=True), 0).wait_s
    assert taken(one, wait_s) == "good"


def test_a_message_that_is_refused_again_and_again_is_given_up_and_one_that_cannot_be_sent_never() -> None:
    one, now = lane(message("bad")), 0.0
    given_up = []
    for _ in range(MOST_REFUSALS):
        taken(one, now)
        failed = one.failed(ChannelError("no", refused=True), now)
        given_up.append(failed.given_up)
        now += failed.wait_s
    assert given_up == [False] * (MOST_REFUSALS - 1) + [True]
    assert len(one) == 0
    other = lane(message("a"))
    for _ in range(50):
        taken(other, now)
        assert not other.failed(ChannelError("away"), now).given_up
        now += 100


@pytest.mark.parametrize("unsure", [True, False])
def test_after_an_attempt_that_may_have_arrived_the_next_one_says_so(unsure: bool) -> None:
    one = lane(message("a"))
    one.next(0)
    one.failed(ChannelError("gone", unsure=unsure), 0)
    one.offer(message("a"))
    again = one.next(100)
    assert again is not None
    assert again.repeat == unsure


def test_messages_of_a_partition_that_went_are_left_out() -> None:
    one = lane(message("a", partition=0), message("b", partition=1))
    one.forget(0)
    assert (taken(one), len(one)) == ("b", 1)
