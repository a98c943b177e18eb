"""What a member's incidents make due, on whichever partition, through restarts and storms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Step
from hypothesis import strategies as st

from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.desk import Desk, Ignored
from consumer_alerts.maintenance import Window
from consumer_alerts.rules import Rule, Rules, StormLimit
from consumer_alerts.telling import Message, News, outcome
from kafka_cluster.incident import Incident, Kind, Phase, State
from kafka_cluster.records import Severity
from tests.unit.consumer_alerts.conftest import MINUTE_MS, Make, maker

# Other work shares the machine; and to shrink an example of this size takes longer than the test may.
QUICK = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Step.explicit, Step.reuse, Step.generate],
)
SURE = ChannelConfig("pager", "pagerduty", updates_ms=10 * MINUTE_MS)
UNSURE = ChannelConfig("chat", "slack", updates_ms=5 * MINUTE_MS)
RULE = Rule(gap_ms=10 * MINUTE_MS, reopen_ms=20 * MINUTE_MS, resolve_after_ms=5 * MINUTE_MS, channels=("pager",))
RULES = Rules(default=RULE, channels={"pager": SURE, "chat": UNSURE}, storm=StormLimit(limit=0))
STORMY = replace(RULES, storm=StormLimit(limit=3, every_ms=MINUTE_MS, quiet_ms=2 * MINUTE_MS))


def desk(rules: Rules = RULES, *partitions: int) -> Desk:
    made = Desk(rules)
    for partition in partitions or (0,):
        made.start(partition, [])
    return made


Topic = dict[int, dict[str, Incident]]  # by partition and id


def turn(one: Desk, now: int = 0, topic: Topic | None = None) -> list[Message]:
    """One turn of the loop: what is due once the changes are written down."""
    one.look(now, [0, 1])
    due = one.due(now)
    for partition, identity, incident in one.changes():
        its = {} if topic is None else topic.setdefault(partition, {})
        if incident is None:
            its.pop(identity, None)
        else:
            its[identity] = incident
    return due


def restarted(rules: Rules, topic: Topic) -> Desk:
    one = Desk(rules)
    for partition in (0, 1):
        one.start(partition, list(topic.get(partition, {}).values()))
    return one


def told(one: Desk, messages: list[Message], now: int = 0, reference: str | None = None) -> None:
    for message in messages:
        one.acknowledge(outcome(message, reference), now)


def test_an_incident_is_told_once_and_its_end_once(anomaly: Make) -> None:
    one = desk()
    one.take(0, anomaly(), 0, 0)
    opened = turn(one)
    assert [(message.news, message.told.channel) for message in opened] == [(News.OPENED, "pager")]
    told(one, opened)
    assert turn(one, 4 * MINUTE_MS) == []
    ended = turn(one, 5 * MINUTE_MS)
    assert [message.news for message in ended] == [News.RESOLVED]
    told(one, ended, 5 * MINUTE_MS)
    assert turn(one, 50 * MINUTE_MS) == []


def test_what_is_not_acknowledged_is_due_again(anomaly: Make) -> None:
    one = desk()
    one.take(0, anomaly(), 0, 0)
    assert [message.news for message in turn(one)] == [News.OPENED]
    assert [message.news for message in turn(one, 1_000)] == [News.OPENED]


def test_more_anomalies_are_told_no_oftener_than_wanted_but_a_higher_severity_at_once(anomaly: Make) -> None:
    one = desk()
    one.take(0, anomaly(severity=Severity.LOW), 0, 0)
    told(one, turn(one))
    one.take(0, anomaly(severity=Severity.LOW), MINUTE_MS, MINUTE_MS)
    assert turn(one, MINUTE_MS) == []
    one.take(0, anomaly(severity=Severity.HIGH), 2 * MINUTE_MS, 2 * MINUTE_MS)
    (raised,) = turn(one, 2 * MINUTE_MS)
    assert (raised.news, raised.incident.severity) == (News.UPDATED, Severity.HIGH)
    told(one, [raised], 2 * MINUTE_MS)
    for minute in range(3, 12):
        one.take(0, anomaly(), minute * MINUTE_MS, minute * MINUTE_MS)
        assert turn(one, minute * MINUTE_MS) == []
    one.take(0, anomaly(), 12 * MINUTE_MS, 12 * MINUTE_MS)
    assert [message.news for message in turn(one, 12 * MINUTE_MS)] == [News.UPDATED]


def test_what_ended_before_it_was_told_is_told_as_that(anomaly: Make) -> None:
    one = desk()
    one.take(0, anomaly(), 0, 0)
    turn(one)  # nobody answers
    assert [message.news for message in turn(one, 5 * MINUTE_MS)] == [News.OVER]


def test_what_comes_back_is_the_same_incident(anomaly: Make) -> None:
    one = desk()
    first = anomaly()
    one.take(0, first, 0, 0)
    opened = turn(one)
    told(one, opened)
    told(one, turn(one, 5 * MINUTE_MS), 5 * MINUTE_MS)
    one.take(0, anomaly(minute=12), 6 * MINUTE_MS, 6 * MINUTE_MS)
    (back,) = turn(one, 6 * MINUTE_MS)
    assert (back.news, back.incident.id) == (News.REOPENED, opened[0].incident.id)


@pytest.mark.parametrize("channel", ["pager", "chat"])
def test_where_nobody_knows_whether_it_arrived_that_it_came_back_its_end_is_told_again(
    anomaly: Make, channel: str
) -> None:
    one = desk(replace(RULES, default=replace(RULE, channels=(channel,))))
    one.take(0, anomaly(), 0, 0)
    told(one, turn(one))
    told(one, turn(one, 5 * MINUTE_MS), 5 * MINUTE_MS)
    one.take(0, anomaly(minute=12), 6 * MINUTE_MS, 6 * MINUTE_MS)
    assert [message.news for message in turn(one, 6 * MINUTE_MS)] == [News.REOPENED]  # and no answer
    assert [message.news for message in turn(one, 16 * MINUTE_MS)] == [News.RESOLVED]


def test_a_partition_that_is_not_read_to_its_end_ends_nothing_by_the_clock(anomaly: Make) -> None:
    one = desk()
    one.take(0, anomaly(), 0, 0)
    told(one, turn(one))
    one.look(60 * MINUTE_MS, [])
    assert one.due(60 * MINUTE_MS) == []
    assert one.open() == 1


def test_muted_old_and_maintained_anomalies_are_counted_and_told_to_nobody(anomaly: Make) -> None:
    muted = Rule(name="m", keys=("noisy*",), mute=True)
    window = Window("upgrade", ("db*",), 0, 10 * MINUTE_MS)
    one = desk(replace(RULES, rules=(muted,), windows=(window,), ignore_older_ms=60 * MINUTE_MS))
    assert one.take(0, anomaly("noisy-1"), 0, 0) is Ignored.MUTED
    assert one.take(0, anomaly("db-1", minute=9), 0, 0) is Ignored.MAINTENANCE
    assert one.take(0, anomaly("db-1", minute=10), 0, 0) is None
    assert one.take(0, anomaly("web", minute=0), 0, 60 * MINUTE_MS + 1) is Ignored.OLD
    assert [message.incident.key for message in turn(one)] == ["db-1"]


def test_the_first_rule_that_fits_decides_who_is_told_and_a_channel_may_want_the_severe_alone(anomaly: Make) -> None:
    chat = replace(RULE, name="db", keys=("db*",), detectors=("cusum",), channels=("chat", "pager"))
    severe = replace(SURE, min_severity=Severity.HIGH)
    one = desk(replace(RULES, rules=(chat,), channels={"pager": severe, "chat": UNSURE}))
    one.take(0, anomaly("db-1", severity=Severity.LOW, detector="cusum"), 0, 0)
    one.take(0, anomaly("db-2", severity=Severity.HIGH, detector="forest"), 0, 0)
    found = turn(one)
    assert sorted((one.incident.key or "", one.told.channel) for one in found) == [("db-1", "chat"), ("db-2", "pager")]
    one.take(0, anomaly("db-1", severity=Severity.HIGH, detector="cusum"), 0, 0)
    assert ("db-1", "pager") in {(one.incident.key, one.told.channel) for one in turn(one, 1)}


def test_a_channel_that_is_gone_from_the_file_holds_up_nothing(anomaly: Make) -> None:
    one, topic = desk(), Topic()
    one.take(0, anomaly(), 0, 0)
    told(one, turn(one))
    one.rules = replace(RULES, channels={"chat": UNSURE})
    turn(one, 5 * MINUTE_MS, topic)
    (incident,) = topic[0].values()
    assert (incident.state, incident.told) == (State.RESOLVED, ())


def test_an_attempt_that_may_have_arrived_is_written_down_before_and_is_no_new_incident_after_a_crash(
    anomaly: Make,
) -> None:
    rules = replace(RULES, default=replace(RULE, channels=("chat", "pager")))
    one, topic = desk(rules), Topic()
    one.take(0, anomaly(), 0, 0)
    assert {message.told.channel: message.repeat for message in turn(one, 0, topic)} == {"chat": False, "pager": False}
    again = restarted(rules, topic)
    messages = turn(again, 0, topic)
    assert {message.told.channel: message.repeat for message in messages} == {"chat": True, "pager": False}
    assert {message.incident.id for message in messages} == set(topic[0])
    told(again, messages)
    turn(again, 0, topic)
    assert turn(restarted(rules, topic)) == []


def test_over_the_limit_incidents_are_one_storm_that_names_them_the_most_severe_are_told(anomaly: Make) -> None:
    one = desk(STORMY)
    for key in "abcdefgh":
        severity = Severity.HIGH if key in "fgh" else Severity.LOW
        one.take(0, anomaly(key, severity=severity), 0, 0)
    messages = turn(one)
    singles = [message.incident.key for message in messages if message.incident.kind is Kind.INCIDENT]
    (storm,) = [message.incident for message in messages if message.incident.kind is Kind.STORM]
    assert sorted(singles, key=str) == ["f", "g", "h"]
    assert (storm.total, storm.keys, storm.severity) == (5, tuple("abcde"), Severity.LOW)
    assert storm.reason == "5 new incidents held back, over the limit of 3 in 1m"


def test_a_storm_ends_and_what_is_still_going_on_is_told_then(anomaly: Make) -> None:
    one = desk(STORMY)
    for key in "abcde":
        one.take(0, anomaly(key), 0, 0)
    told(one, turn(one))
    one.take(0, anomaly("e", minute=1), MINUTE_MS, MINUTE_MS)
    assert [message.incident.key for message in turn(one, MINUTE_MS)] == []  # also where there is room again
    one.take(0, anomaly("e", minute=2), 2 * MINUTE_MS, 2 * MINUTE_MS)
    ends = turn(one, 2 * MINUTE_MS)
    assert [(message.incident.key, message.news) for message in ends] == [("e", News.OPENED), (None, News.RESOLVED)]


def test_a_restart_neither_forgets_what_passed_nor_what_is_held_back(anomaly: Make) -> None:
    one, topic = desk(STORMY, 0, 1), Topic()
    for number in range(5):
        one.take(number % 2, anomaly(f"k{number}"), 0, 0)
    told(one, turn(one, 0, topic))
    turn(one, 0, topic)
    again = restarted(STORMY, topic)
    again.take(0, anomaly("new"), 1_000, 1_000)
    assert turn(again, 1_000, topic) == []  # of its growth the storm tells when that is due
    storms = [one for its in topic.values() for one in its.values() if one.kind is Kind.STORM]
    assert [(storm.total, storm.keys[-1]) for storm in storms] == [(3, "new")]


@pytest.mark.parametrize(("share", "passed"), [(1.0, 4), (0.5, 2), (0.01, 1)])
def test_members_share_the_limit_by_the_partitions_that_they_hold(anomaly: Make, share: float, passed: int) -> None:
    one = desk(replace(RULES, storm=StormLimit(limit=4)))
    for number in range(9):
        one.take(0, anomaly(str(number)), 0, 0)
    one.look(0, [], share)
    singles = [message for message in one.due(0) if message.incident.kind is Kind.INCIDENT]
    assert len(singles) == passed


@QUICK
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from("abcdef"), st.integers(0, 90), st.sampled_from([0, 10, 61, 130])),
        max_size=50,
    ),
    st.sets(st.integers(0, 50), max_size=4),
    st.data(),
)
def test_whatever_crashes_between_no_incident_is_lost_or_opened_twice_and_the_limit_holds(
    steps: list[tuple[int, str, int, int]], crashes: set[int], data: st.DataObject
) -> None:
    """The other side knows ids alone. A crash forgets all that is not written down, acknowledgements among it."""
    make = maker()
    rules = replace(STORMY, default=replace(RULE, channels=("pager", "chat")))
    one, topic, now = desk(rules, 0, 1), Topic(), 0
    knows: dict[tuple[str, str], Phase] = {}
    opened: list[tuple[int, str]] = []
    new_to_chat: list[str] = []
    for number, (partition, key, minute, later_s) in enumerate(steps):
        now += later_s * 1_000
        one.take(partition, make(f"{partition}{key}", minute=minute), now, now)
        messages = turn(one, now, topic)
        arrive = [message for message in messages if data.draw(st.booleans())]
        for message in arrive:
            identity, channel = message.incident.id, message.told.channel
            if (
                message.news is News.OPENED
                and (identity, channel) not in knows
                and message.incident.kind is Kind.INCIDENT
            ):
                opened.append((now, identity))
            if channel == "chat" and message.news is News.OPENED and not message.repeat:
                new_to_chat.append(identity)
            knows[identity, channel] = Phase.RESOLVED if message.ended else Phase.OPEN
        if number in crashes:
            one = restarted(rules, topic)
        else:
            told(one, arrive, now)
    assert len(new_to_chat) == len(set(new_to_chat))
    times = sorted({identity: at for at, identity in reversed(opened)}.items(), key=lambda item: item[1])
    passed_at = [incident.released_at or 0 for its in topic.values() for incident in its.values()
                 if incident.kind is Kind.INCIDENT and incident.released_at is not None]  # fmt: skip
    assert all(sum(at < other + MINUTE_MS and other <= at for at in passed_at) <= 3 for other in passed_at)
    assert {identity for identity, _ in times} <= {identity for its in topic.values() for identity in its}
    for _ in range(3):  # in the end, with nothing more coming, everybody knows how everything ended
        now += 60 * MINUTE_MS
        messages = turn(one, now, topic)
        told(one, messages, now)
        knows |= {(one.incident.id, one.told.channel): Phase.RESOLVED if one.ended else Phase.OPEN for one in messages}
    assert set(knows.values()) <= {Phase.RESOLVED}
    everything = [incident for its in topic.values() for incident in its.values()]
    told_singly = {identity for identity, _ in knows}
    for incident in everything:
        assert (incident.id in told_singly) == (incident.storm is None)
        assert incident.storm is None or incident.storm in told_singly
