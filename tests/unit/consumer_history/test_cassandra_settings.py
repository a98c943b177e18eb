from __future__ import annotations

from pathlib import Path

import pytest

from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.connection import Connection, tls
from consumer_history.store import StoreAwayError
from kafka_cluster.clock import ManualClock
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.errors import LabError, SettingsError


def test_contact_points_are_a_list_of_names() -> None:
    assert CassandraSettings.read(cassandra_contact_points="a, b").cassandra_contact_points == ("a", "b")


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"cassandra_username": "me"}, "CASSANDRA_PASSWORD go together"),
        ({"cassandra_tls_key": "k.pem"}, "CASSANDRA_TLS_KEY go together"),
        ({"cassandra_tls_key": "k", "cassandra_tls_certificate": "c"}, "without CASSANDRA_TLS_CA"),
        ({"cassandra_keyspace": "Robert'); DROP"}, "CASSANDRA_KEYSPACE"),
        ({"cassandra_consistency": "MOST"}, "CASSANDRA_CONSISTENCY"),
        ({"history_in_flight": 0}, "HISTORY_IN_FLIGHT must be >= 1"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, object], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        CassandraSettings.read(**wrong)


def test_the_password_is_not_shown() -> None:
    settings = CassandraSettings.read(cassandra_username="me", cassandra_password="hush")  # noqa: S106 - a test's
    assert "hush" not in repr(settings)


def test_tls_is_on_with_a_ca_and_says_which_file_is_wrong(tmp_path: Path) -> None:
    assert tls(CassandraSettings.read()) is None
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(LabError, match=r"ca\.pem"):
        tls(CassandraSettings.read(cassandra_tls_ca=tmp_path / "ca.pem"))


def test_a_cassandra_that_is_down_is_away_on_one_line() -> None:
    (port,) = pick_free(1)
    with pytest.raises(StoreAwayError, match=rf"Cassandra at 127\.0\.0\.1:{port}: .*refused.*lab up --with") as caught:
        Connection(CassandraSettings.read(cassandra_port=port), ManualClock())
    assert "\n" not in str(caught.value)
