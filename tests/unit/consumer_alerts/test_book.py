"""Which anomalies are one incident, and when it begins and ends; gap 10 minutes, reopen 20, quiet 5."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumer_alerts.book import Book
from consumer_alerts.rules import RANK, Rule, Rules
from kafka_cluster.incident import Incident, State, incident_id
from kafka_cluster.records import Anomaly, Severity
from tests.unit.consumer_alerts.conftest import MINUTE_MS, Make

RULE = Rule(gap_ms=10 * MINUTE_MS, reopen_ms=20 * MINUTE_MS, resolve_after_ms=5 * MINUTE_MS)
RULES = Rules(default=RULE)
LIVE = (State.PENDING, State.OPEN)


def taken(anomalies: list[Anomaly], rule: Rule = RULE, now: int = 0) -> Book:
    book = Book()
    for one in anomalies:
        book.take(one, rule, now, now)
    return book


def of(book: Book, state: State) -> list[Incident]:
    return [one for one in book if one.state is state]


def test_anomalies_of_a_key_within_the_gap_are_one_incident_with_the_worst_of_them(anomaly: Make) -> None:
    first = anomaly(minute=0, score=0.6, severity=Severity.LOW)
    peak = anomaly(minute=9, score=0.8, severity=Severity.MEDIUM, detector="cusum")
    (incident,) = taken([first, peak, anomaly(minute=18, score=0.7, severity=Severity.LOW)])
    assert incident.id == incident_id("host", first.id)
    assert (incident.total, incident.first, incident.last) == (3, 0, 18 * MINUTE_MS)
    assert (incident.severity, incident.peak_score, incident.reason) == (Severity.MEDIUM, 0.8, peak.reason)
    assert (incident.peak_id, incident.detectors) == (peak.id, ("forest", "cusum"))
    assert (incident.state, incident.reopened) == (State.OPEN, 0)


def test_of_two_keys_each_has_its_own(anomaly: Make) -> None:
    assert len(of(taken([anomaly("a"), anomaly("b"), anomaly(None)]), State.OPEN)) == 3


def test_after_gap_and_reopen_it_is_a_new_incident_and_the_old_one_is_over(anomaly: Make) -> None:
    book = taken([anomaly(minute=0), anomaly(minute=30.1)])
    assert [one.last for one in of(book, State.RESOLVED)] == [0]
    assert [one.first for one in of(book, State.OPEN)] == [round(30.1 * MINUTE_MS)]


def test_between_gap_and_reopen_the_same_incident_has_come_back(anomaly: Make) -> None:
    (incident,) = taken([anomaly(minute=0), anomaly(minute=30)])
    assert (incident.state, incident.total, incident.reopened) == (State.OPEN, 2, 1)


def test_silence_by_the_clock_ends_it_and_each_return_doubles_the_silence_that_is_needed(anomaly: Make) -> None:
    book, now = Book(), 0
    waits = []
    for minute in (0, 12, 24, 36, 48, 60):
        book.take(anomaly(minute=minute), RULE, now, now)
        came = now
        while of(book, State.OPEN):
            now += MINUTE_MS
            book.end_quiet(RULES, now)
        waits.append((now - came) // MINUTE_MS)
    assert waits == [5, 10, 20, 40, 40, 40]
    assert len(list(book)) == 1


def test_the_silence_counts_from_when_the_anomaly_was_found_not_from_its_event_time(anomaly: Make) -> None:
    book = Book()
    now = 20_000 * MINUTE_MS
    book.take(anomaly(minute=3), RULE, now - 4 * MINUTE_MS, now)
    book.end_quiet(RULES, now)
    assert of(book, State.OPEN)
    book.end_quiet(RULES, now + MINUTE_MS)
    assert [one.resolved_at for one in of(book, State.RESOLVED)] == [now + MINUTE_MS]


@pytest.mark.parametrize("rule", [replace(RULE, min_count=3), replace(RULE, min_severity=Severity.HIGH)])
def test_too_few_or_too_weak_anomalies_stay_pending_and_are_forgotten(anomaly: Make, rule: Rule) -> None:
    rules = Rules(default=rule)
    book = taken([anomaly(severity=Severity.LOW), anomaly(minute=1, severity=Severity.MEDIUM)], rule)
    assert [one.state for one in book] == [State.PENDING]
    strong = taken([*[anomaly(severity=Severity.LOW)] * 2, anomaly(minute=1)], rule)
    assert [(one.state, one.total) for one in strong] == [(State.OPEN, 3)]
    (pending,) = book
    book.changes()
    book.end_quiet(rules, 5 * MINUTE_MS)
    assert (list(book), book.changes()) == ([], {pending.id: None})


def test_what_is_pending_does_not_come_back_after_the_gap(anomaly: Make) -> None:
    rule = replace(RULE, min_count=2)
    assert [one.total for one in taken([anomaly(minute=0), anomaly(minute=11)], rule)] == [1]


def test_a_late_anomaly_counts_in_the_incident_of_its_time(anomaly: Make) -> None:
    book = taken([anomaly(minute=0), anomaly(minute=100), anomaly(minute=5)])
    assert sorted((one.total, str(one.state)) for one in book) == [(1, "OPEN"), (2, "RESOLVED")]


def test_one_from_before_an_open_incident_is_over_when_it_begins(anomaly: Make) -> None:
    book = taken([anomaly(minute=100), anomaly(minute=0), anomaly(minute=3)])
    assert [(one.total, one.opened_at, one.resolved_at) for one in of(book, State.RESOLVED)] == [(2, 0, 0)]
    assert [one.first for one in of(book, State.OPEN)] == [100 * MINUTE_MS]


def test_many_late_ones_do_not_hide_the_one_that_is_open(anomaly: Make) -> None:
    late = [anomaly(minute=minute) for minute in range(0, 40 * 31, 31)]
    book = taken([anomaly(minute=2000), *late, anomaly(minute=2001)])
    assert [one.total for one in of(book, State.OPEN)] == [2]


def test_when_nothing_is_open_event_time_may_begin_anew(anomaly: Make) -> None:
    book = taken([anomaly(minute=100)])
    book.end_quiet(RULES, 5 * MINUTE_MS)
    book.take(anomaly(minute=0), RULE, 0, 0)
    assert [one.first for one in of(book, State.OPEN)] == [0]


def test_what_was_resolved_long_ago_and_told_is_forgotten_with_a_tombstone(anomaly: Make) -> None:
    book = taken([anomaly()])
    (incident,) = book
    book.put(incident._replace(released_at=0))
    book.end_quiet(RULES, 5 * MINUTE_MS)
    book.changes()
    book.purge(MINUTE_MS, 6 * MINUTE_MS - 1)
    assert book.changes() == {}
    book.purge(MINUTE_MS, 6 * MINUTE_MS)
    assert book.changes() == {incident.id: None}
    book.take(anomaly(), RULE, 0, 0)  # the key is known no more, and may come again
    assert len(list(book)) == 1


steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.integers(0, 120),
        st.sampled_from(list(Severity)),
        st.sampled_from([0, 1, 4, 11]),
    ),
    max_size=40,
)
rules_of_any_kind = st.builds(
    replace, st.just(RULE), min_count=st.integers(1, 3), min_severity=st.sampled_from(list(Severity))
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other work shares the machine
@given(steps, rules_of_any_kind)
def test_whatever_comes_in_whatever_order_nothing_is_lost_and_one_incident_of_a_key_is_open(
    steps: list[tuple[str, int, Severity, int]], rule: Rule
) -> None:
    book, rules, now, forgotten = Book(), Rules(default=rule), 0, 0
    for number, (key, minute, severity, later) in enumerate(steps):
        now += later * MINUTE_MS
        before = sum(one.total for one in book)
        book.end_quiet(rules, now)
        anomaly = Anomaly(
            str(number), "m", 0, number, key, minute * MINUTE_MS, "d", "v", number / 99, 0, severity, (), ""
        )
        pending = {one.id: one.total for one in book if one.state is State.PENDING}
        forgotten += before - sum(one.total for one in book)
        found = book.take(anomaly, rule, now, now)
        forgotten += sum(total for identity, total in pending.items() if book.get(identity) is None)
        assert found.first <= anomaly.timestamp <= found.last
        assert sum(one.total for one in book) + forgotten == number + 1
        for key_now in ("a", "b"):
            mine = [one for one in book if one.key == key_now]
            assert sum(one.state is State.OPEN for one in mine) <= 1
        for one in book:
            assert (one.state is State.PENDING) == (one.opened_at is None)
            assert (one.state is State.RESOLVED) == (one.resolved_at is not None)
            if one.state is not State.PENDING:
                assert one.total >= rule.min_count
                assert RANK[one.severity] >= RANK[rule.min_severity]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other work shares the machine
@given(st.lists(st.integers(0, 300), max_size=30, unique=True))
def test_in_the_order_of_event_time_incidents_are_what_the_pauses_between_anomalies_say(minutes: list[int]) -> None:
    ordered = sorted(minutes)
    book = Book()
    for number, minute in enumerate(ordered):
        at = minute * MINUTE_MS
        book.take(Anomaly(str(number), "m", 0, number, "a", at, "d", "v", 0.5, 0, Severity.LOW, (), ""), RULE, 0, 0)
    breaks = [later for earlier, later in pairwise(ordered) if later - earlier > 30]
    begins = sorted([*ordered[:1], *breaks])
    assert sorted(one.first // MINUTE_MS for one in book) == begins
    assert sum(one.reopened for one in book) == sum(10 < b - a <= 30 for a, b in pairwise(ordered))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other work shares the machine
@given(steps, st.integers(0, 40))
def test_who_reads_the_incidents_back_goes_on_as_if_nothing_had_been(
    steps: list[tuple[str, int, Severity, int]], cut: int
) -> None:
    def run(*, again: bool) -> dict[str, Incident]:
        book, now = Book(), 0
        written: dict[str, Incident | None] = {}
        for number, (key, minute, severity, later) in enumerate(steps):
            if again and number == cut:
                book = Book(one for one in written.values() if one is not None)
            now += later * MINUTE_MS
            at = minute * MINUTE_MS
            one = Anomaly(str(number), "m", 0, number, key, at, "d", "v", number / 99, 0, severity, (), "")
            book.end_quiet(RULES, now)
            book.take(one, RULE, now, now)
            written |= book.changes()
        return {one.id: one for one in book}

    assert run(again=True) == run(again=False)
