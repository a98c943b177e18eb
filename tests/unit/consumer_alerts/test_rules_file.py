"""alerts.yaml: what it says, and what is told where it says something that cannot be."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumer_alerts.channels.config import HABITS
from consumer_alerts.maintenance import Window
from consumer_alerts.rules import Rules, StormLimit
from consumer_alerts.rules_file import read, rules
from consumer_alerts.run import run
from consumer_alerts.settings import AlertsSettings
from detectors.config_file import ConfigError, parse
from kafka_cluster.clock import ManualClock, Stop
from kafka_cluster.embedded.settings import CHECKOUT
from kafka_cluster.records import Severity

CHANNELS = "channels: {log: {type: log}, pager: {type: pagerduty, routing_key_from: PD_KEY, min_severity: HIGH}}\n"


def said(text: str) -> Rules:
    return rules(parse(CHANNELS + text, "alerts.yaml"))


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        rules(parse(text, "alerts.yaml"))
    return str(caught.value)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_the_example_in_the_checkout_can_be_read() -> None:
    assert read(CHECKOUT / "alerts.yaml").channels


def test_a_rule_says_what_differs_from_the_default() -> None:
    made = said("""
incidents: {gap: 5m, min_count: 2, channels: log}
rules:
  - {name: quiet, keys: "test-*", mute: true}
  - {name: db, keys: ["db-*", "sql?"], detectors: cusum, min_count: 1, channels: [pager, log, pager]}
""")
    assert made.handling("test-1", ("forest",)).mute
    db = made.handling("sql1", ("cusum",))
    assert (db.name, db.gap_ms, db.min_count, db.channels) == ("db", 300_000, 1, ("pager", "log"))
    assert made.handling("sql1", ("forest",)) == made.default
    assert (made.default.min_count, made.default.channels) == (2, ("log",))
    assert made.route("db-1", ("cusum",), Severity.LOW) == ("log",)
    assert made.route("db-1", ("cusum",), Severity.HIGH) == ("pager", "log")


def test_without_a_word_every_channel_is_told() -> None:
    made = said("")
    assert made.default.channels == ("log", "pager")
    assert (made.storm, made.ignore_older_ms) == (StormLimit(), 0)
    assert made.channels["pager"].updates_ms == HABITS["pagerduty"].updates_ms


def test_windows_are_from_one_instant_to_another_or_at_a_time_of_day() -> None:
    made = said("""
maintenance:
  - {name: move, from: 2026-03-01T22:00:00Z, to: 2026-03-02T04:00:00+02:00}
  - {name: backup, keys: db-*, daily: 22:30-01:15, days: [fri, sat]}
""")
    move, backup = made.windows
    assert move == Window("move", ("*",), at("2026-03-01T22:00"), at("2026-03-02T02:00"))
    assert made.in_maintenance("web", at("2026-03-02T01:59"))
    assert not made.in_maintenance("web", at("2026-03-02T02:00"))
    friday, saturday = "2026-03-06", "2026-03-07"  # 1970 began on a Thursday
    inside = [f"{friday}T22:30", f"{saturday}T01:14", f"{saturday}T23:00", "2026-03-08T01:14"]
    outside = [f"{friday}T22:29", f"{friday}T01:00", f"{saturday}T01:15", "2026-03-08T22:30"]
    assert [backup.holds("db-1", at(instant)) for instant in inside] == [True] * 4
    assert [backup.holds("db-1", at(instant)) for instant in outside] == [False] * 4
    assert not backup.holds("web", at(inside[0]))


def test_a_day_is_a_window_too() -> None:
    (window,) = said("maintenance: [{name: d, daily: 00:00-24:00, days: sun}]").windows
    assert window.holds("x", at("2026-03-08T23:59")) == (not window.holds("x", at("2026-03-09T00:00"))) is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules: []", "alerts.yaml, line 1: needs 'channels'"),
        ("channels: {}", "alerts.yaml, line 1, channels: names no channel"),
        ("channels: {a: {}}", "alerts.yaml, line 1, channels.a: needs 'type'; one of log, alertmanager"),
        ("channels: {a: {type: fax}}", "alerts.yaml, line 1, channels.a.type: must be one of log, alertmanager"),
        ("channels: {a: {type: slack}}", "channels.a: needs webhook_from or token_from and channel"),
        ("channels: {a: {type: slack, webhook_from: A, token_from: B, channel: c}}", "and not both"),
        ("channels: {a: {type: alertmanager, url: u, hold: 1m}}", "a.hold: resend must be above 0s and below hold"),
        (CHANNELS + "storm: {limit: -1}", "alerts.yaml, line 2, storm.limit: must be at least 0, got -1"),
        (CHANNELS + "incidents: {gap: 0s}", "alerts.yaml, line 2, incidents.gap: must be above 0s"),
        (CHANNELS + "incidents: {channels: [fax]}", "there is no channel 'fax'; there are log, pager"),
        (CHANNELS + "rules: [{name: a}, {name: a}]", "rules[1].name: 'a' is the name of an earlier rule"),
        (CHANNELS + "rules:\n  - {name: a, mutes: true}", "alerts.yaml, line 3, rules[0].mutes: is not known here"),
        (CHANNELS + "rules: [{name: a, mute: 1}]", "rules[0].mute: must be true or false, got 1"),
        (CHANNELS + "rules: [{name: a, reopen: 3d}]", "keep is below the longest gap and reopen together, 4335m"),
        (
            CHANNELS + "maintenance: [{name: a, daily: 25:00-26:00}]",
            "must be two times of the day, such as 02",
        ),
        (CHANNELS + "maintenance: [{name: a, daily: '1:00-2:00', from: 2026-01-01}]", "either daily or from one"),
        (CHANNELS + "maintenance: [{name: a, from: noon, to: 2026-01-01}]", "must be an instant such as 2026-12-24T"),
        (CHANNELS + "maintenance: [{name: a, from: 2026-01-02, to: 2026-01-01}]", "maintenance[0].to: is not after"),
    ],
)
def test_what_cannot_be_is_told_with_file_line_and_field(text: str, expected: str) -> None:
    assert expected in complaint(text)


def test_a_secret_in_the_file_is_refused_and_not_repeated() -> None:
    secret = "https://hooks.slack.com/services/T0/B0/s3cr3t"  # noqa: S105 - made up
    told = complaint(f"channels: {{a: {{type: slack, webhook_from: '{secret}'}}}}")
    assert "a.webhook_from: must be the name of an environment variable" in told
    assert "s3cr3t" not in told


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path / "none.yaml")


def test_a_program_says_so_before_it_waits_for_anybody(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text("channels: {a: {type: fax}}")
    clock = ManualClock()
    with pytest.raises(ConfigError, match="must be one of log"):
        run(AlertsSettings.read(alerts_file=tmp_path / "alerts.yaml"), clock, Stop())
    assert clock.now() == 0
