from __future__ import annotations

import pytest

from consumer_history.settings import HistorySettings


def test_the_lists_of_both_of_its_parents_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASSANDRA_CONTACT_POINTS", "a, b")
    monkeypatch.setenv("METRICS", "x,y")
    settings = HistorySettings.read()
    assert settings.cassandra_contact_points == ("a", "b")
    assert settings.metrics == ("x", "y")


def test_a_check_probability_may_be_a_fraction() -> None:
    assert HistorySettings.read(check_probability="1/50").check_probability == 0.02
