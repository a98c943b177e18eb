"""How large a share is checked."""

from __future__ import annotations

from typing import Any

import pytest

from consumer_history.settings import HistorySettings
from consumer_history.shedding import Lag, Shedding
from kafka_cluster.errors import SettingsError


def share(seconds: float = 0, records: int = 0, **settings: Any) -> float:
    return Shedding(HistorySettings.read(**settings)).share(Lag(seconds, records))


def test_without_a_limit_no_lag_leaves_a_check_out() -> None:
    assert share(1e6, 10**12) == 1.0


@pytest.mark.parametrize(("lag_s", "kept"), [(0, 1), (2, 1), (11, 0.5), (20, 0), (2000, 0)])
def test_past_the_limit_the_share_falls_in_a_straight_line_to_none_at_ten_times_the_lag(
    lag_s: float, kept: float
) -> None:
    assert share(lag_s, shed_from_s=2) == pytest.approx(kept)


def test_the_worse_of_the_two_limits_counts() -> None:
    assert share(11, 100, shed_from_s=2, shed_from_records=1000) == pytest.approx(0.5)
    assert share(0, 5500, shed_from_s=2, shed_from_records=1000) == pytest.approx(0.5)


def test_the_share_that_is_left_is_one_of_those_that_are_to_be_checked() -> None:
    assert share(11, shed_from_s=2, check_probability="1/50") == pytest.approx(0.01)


@pytest.mark.parametrize(("given", "probability"), [("1/50", 0.02), ("0", 0.0), ("1", 1.0), ("0.25", 0.25)])
def test_a_probability_may_be_a_fraction(given: str, probability: float) -> None:
    assert HistorySettings.read(check_probability=given).check_probability == probability


@pytest.mark.parametrize("wrong", ["1/0", "3/2", "-1", "half"])
def test_what_is_no_probability_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(SettingsError, match="CHECK_PROBABILITY"):
        HistorySettings.read(check_probability=wrong)
