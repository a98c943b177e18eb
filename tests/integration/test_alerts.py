"""From an anomaly on its topic to an incident at an address: told once, through crashes and rebalances."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faults.member import TRIGGER
from commands.demo_processes import Program, start
from kafka_cluster.embedded.cluster import ClusterInfo
from kafka_cluster.incident import Kind, State
from kafka_cluster.read_topic import read_topic
from kafka_cluster.records import Severity
from tests.http_sink import Answer, HttpSink, Request
from tests.integration.alertmanager import alertmanager
from tests.integration.alertmanager import alerts as firing
from tests.integration.alerts_lab import AlertsLab
from tests.integration.test_guarantees import LeavesOpen, UndoneAtFirst

pytestmark = pytest.mark.integration


@pytest.fixture
def alerts(cluster: ClusterInfo, tmp_path: Path) -> Iterator[AlertsLab]:
    made = AlertsLab(cluster, tmp_path)
    yield made
    for member in made.members:
        member.end()


def hook(sink: HttpSink, **incidents: object) -> str:
    """Rules with one channel."""
    return f"channels: {{hook: {{type: webhook, url: {sink.url}}}}}\nincidents: {incidents}\n"


def news(sink: HttpSink) -> list[tuple[str, str]]:
    return [(body["news"], body["incident"]["key"]) for body in sink.bodies]


def test_anomalies_become_incidents_that_are_told_and_end_by_themselves(alerts: AlertsLab) -> None:
    with HttpSink() as sink:
        alerts.rules(hook(sink))
        alerts.member()
        alerts.find("a", "b", "a")
        alerts.wait(lambda: sorted(news(sink)) == [("opened", "a"), ("opened", "b")], "two incidents")
        alerts.rules(hook(sink, resolve_after="1s"))  # while it runs
        alerts.wait(lambda: sorted(news(sink))[2:] == [("resolved", "a"), ("resolved", "b")], "two ends")
        by_key = {incident.key: incident for incident in alerts.incidents().values()}
        assert {key: one.total for key, one in by_key.items()} == {"a": 2, "b": 1}
        assert {one.state for one in by_key.values()} == {State.RESOLVED}


def test_the_real_alertmanager_fires_once_and_resolves(alerts: AlertsLab) -> None:
    with HttpSink() as receiver, alertmanager(alerts.folder, receiver.url) as url:
        channels = f"channels: {{am: {{type: alertmanager, url: '{url}', hold: 5m}}}}\n"
        alerts.rules(channels)
        alerts.member()
        alerts.find("db-1", severity=Severity.LOW)
        alerts.wait(lambda: len(firing(url)) == 1, "an alert")
        alerts.find("db-1", minute=1, severity=Severity.HIGH)
        alerts.wait(lambda: firing(url)[0]["annotations"]["severity"] == "HIGH", "the higher severity")
        (alert,) = firing(url)
        (incident,) = alerts.incidents().values()
        assert alert["labels"] == {"alertname": "Anomaly", "incident": incident.id, "key": "db-1", "severity": "low"}
        assert alert["annotations"]["description"] == "db-1 is strange"
        alerts.rules(channels + "incidents: {resolve_after: 1s}\n")
        alerts.wait(lambda: "resolved" in {body["status"] for body in receiver.bodies}, "the end")
        assert Counter(body["status"] for body in receiver.bodies) == {"firing": 1, "resolved": 1}
        assert firing(url) == []


def test_over_the_limit_one_storm_says_what_is_held_back(alerts: AlertsLab) -> None:
    with HttpSink() as sink:
        alerts.rules(hook(sink) + "storm: {limit: 5}\n")
        alerts.find(*(f"host-{number:02d}" for number in range(30)))
        alerts.member()
        alerts.wait(lambda: len(alerts.incidents()) == 31, "the incidents")
        told = [incident for incident in alerts.incidents().values() if incident.told]
        alerts.wait(lambda: len(sink.requests) == 6, "the messages")
        assert Counter(incident.kind for incident in told) == {Kind.INCIDENT: 5, Kind.STORM: 1}
        (storm,) = [body for body in sink.bodies if body["incident"]["kind"] == "STORM"]
        assert storm["title"] == "Open: HIGH alert storm"
        assert sum(incident.storm is not None for incident in alerts.incidents().values()) == 25


def test_who_takes_a_partition_over_knows_its_incidents(alerts: AlertsLab) -> None:
    with HttpSink() as sink:
        keys = [f"host-{number}" for number in range(12)]
        alerts.rules(hook(sink))
        one = alerts.member("one")
        alerts.find(*keys)
        alerts.wait(lambda: len(sink.requests) == 12, "twelve messages")
        alerts.member("two")
        alerts.wait(lambda: len(one.beat().get("partitions", [])) == 2, "two partitions each")
        alerts.find(*keys, minute=3)
        alerts.wait(lambda: {one.total for one in alerts.incidents().values()} == {2}, "the second anomalies")
        one.end()
        alerts.members.remove(one)
        alerts.find(*keys, minute=6)
        alerts.wait(lambda: {one.total for one in alerts.incidents().values()} == {3}, "the third anomalies")
        assert len(alerts.incidents()) == 12
        assert Counter(what for what, _ in news(sink)) == {"opened": 12}


def test_a_transaction_undone_is_done_again_and_nothing_is_told_twice(alerts: AlertsLab) -> None:
    with HttpSink() as sink:
        alerts.rules(hook(sink))
        alerts.find("a", "b", "c")
        member = alerts.member("one", UndoneAtFirst)
        alerts.wait(lambda: len(sink.requests) == 3, "three messages")
        alerts.find("a", minute=1)
        alerts.wait(lambda: max(one.total for one in alerts.incidents().values()) == 2, "the fourth anomaly")
        alerts.wait(lambda: all(told.at for one in alerts.incidents().values() for told in one.told), "all told")
        assert Counter(news(sink)) == {("opened", key): 1 for key in "abc"}
        assert member.counts.anomalies == 4


def test_what_was_never_decided_is_told_by_nobody_until_the_next_member_writes_it(alerts: AlertsLab) -> None:
    with HttpSink() as sink:
        alerts.rules(hook(sink))
        alerts.find("a")
        dead = alerts.member("one", LeavesOpen, transaction_timeout_ms=60_000)
        assert str(dead.ended_by()) == "killed"
        alerts.members.remove(dead)
        assert sink.requests == []
        alerts.member("one", transaction_timeout_ms=60_000)
        alerts.wait(lambda: news(sink) == [("opened", "a")], "the incident")


def test_what_is_no_anomaly_is_a_dead_letter_and_holds_up_nothing(alerts: AlertsLab) -> None:
    with HttpSink() as sink:
        alerts.rules(hook(sink))
        alerts.send(b"rubbish", None)
        alerts.find("a")
        alerts.member(dead_letter_limit=1)
        alerts.wait(lambda: news(sink) == [("opened", "a")], "the incident")
        letters = list(read_topic(alerts.settings, alerts.settings.dead_letters_topic))
        assert sorted(letter.headers["error"] for letter in letters) == ["no-value", "not-framed"]


class Crashing:
    """An alerts consumer in a process of its own, killed when the receivers say so."""

    def __init__(self, alerts: AlertsLab) -> None:
        self._alerts = alerts
        self.trigger = alerts.folder / "trigger"
        self.program: Program | None = None
        self.kill_at: set[int] = set()
        self.break_at: set[int] = set()
        self._received = 0

    def receive(self, request: Request) -> Answer:
        """Takes a message; some are the last ones that their sender sends."""
        del request
        self._received += 1
        if self._received in self.break_at:
            self.trigger.write_text(signal.SIGKILL.name)  # in the transaction that says that it arrived
        if self._received in self.kill_at and self.program is not None:
            os.kill(self.program.process.pid, signal.SIGKILL)  # before it knows that it arrived
        return Answer()

    def start(self) -> None:
        env = {name.upper(): str(value) for name, value in self._alerts.common.items()}
        env |= {"CONSUMER_ID": "crashing", TRIGGER: str(self.trigger), "HOOK": "", "SESSION_TIMEOUT_MS": "6000"}
        env |= {"CHAT": f"{self.url}/chat"}
        module = "tests.integration.breaking_alerts_member"
        self.program = start(module, "crashing", self._alerts.folder, env, leashed=True)

    def restart_when_dead(self) -> None:
        assert self.program is not None
        self._alerts.wait(lambda: not self.program.process.is_alive(), "a crash")  # type: ignore[union-attr] # set above
        self.start()

    url = ""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_killed_between_a_delivery_and_its_commit_no_incident_is_lost_or_new_twice(alerts: AlertsLab) -> None:
    crashing = Crashing(alerts)
    with HttpSink(crashing.receive) as sink:
        crashing.url = sink.url
        alerts.rules(f"channels: {{hook: {{type: webhook, url: '{sink.url}/hook'}}, chat: {{type: slack, "
                     "webhook_from: CHAT}}\nstorm: {limit: 0}\n")  # fmt: skip
        crashing.break_at, crashing.kill_at = {3}, {70}
        keys = [f"host-{number:02d}" for number in range(40)]
        crashing.start()
        try:
            alerts.find(*keys[:20])
            crashing.restart_when_dead()
            alerts.find(*keys[20:], *keys[:20], minute=1)
            crashing.restart_when_dead()
            alerts.wait(lambda: told_to_all(alerts) == 80, "everybody to know of everything")
        finally:
            assert crashing.program is not None
            crashing.program.stop()
        hooked = [request.json for request in sink.requests if request.path == "/hook"]
        chatted = Counter(str(request.json["text"]) for request in sink.requests if request.path == "/chat")
    incidents = alerts.incidents().values()
    assert sorted(incident.key or "" for incident in incidents) == keys  # one each
    assert {incident.key: incident.total for incident in incidents} == dict(zip(keys, [2] * 20 + [1] * 20, strict=True))
    assert {body["incident"]["id"] for body in hooked} == {incident.id for incident in incidents}
    new = {text: times for text, times in chatted.items() if text.startswith("Open: ")}
    assert set(new.values()) == {1}
    assert {text.rpartition(" ")[2] for text in chatted} == set(keys)
    assert len(sink.requests) > 80  # something was repeated, or the test has killed nobody


def told_to_all(alerts: AlertsLab) -> int:
    return sum(told.at > 0 for incident in alerts.incidents().values() for told in incident.told)
