"""What a history consumer reads: settings of Kafka and of Cassandra in one."""

from __future__ import annotations

import pytest

from consumer_history.settings import HistorySettings
from kafka_cluster.errors import SettingsError


def test_lists_of_either_parent_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASSANDRA_CONTACT_POINTS", "10.0.0.1, 10.0.0.2")
    monkeypatch.setenv("METRICS", "a,b")
    settings = HistorySettings.read()
    assert (settings.cassandra_contact_points, settings.metrics) == (("10.0.0.1", "10.0.0.2"), ("a", "b"))


def test_a_check_needs_more_values_than_its_reference() -> None:
    with pytest.raises(SettingsError, match="CHECK_REFERENCE must be below CHECK_DEPTH"):
        HistorySettings.read(check_depth=20, check_reference=20)
