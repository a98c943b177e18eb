from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.errors import DetectorError
from detectors.features import check_features, day_of_week, engineer, hour, off_hours

instants = st.datetimes(dt.datetime(1960, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001


def ms(instant: dt.datetime) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    since = instant - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return np.asarray([since // dt.timedelta(milliseconds=1)], dtype=np.int64)


@given(instants)
def test_time_features_are_those_of_the_calendar_in_utc(instant: dt.datetime) -> None:
    assert hour(ms(instant)).tolist() == [instant.hour]
    assert day_of_week(ms(instant)).tolist() == [instant.weekday()]


@pytest.mark.parametrize(("at", "expected"), [(7, 1), (8, 0), (12, 0), (18, 0), (19, 1), (23, 1), (0, 1)])
def test_off_hours_are_before_eight_and_after_the_hour_of_eighteen(at: int, expected: int) -> None:
    """The published tutorial's numbers, (hour < 8) | (hour > 18)."""
    assert off_hours(ms(dt.datetime(2014, 4, 10, at, 59, tzinfo=dt.UTC))).tolist() == [expected]


def test_columns_are_in_the_order_of_the_features_whatever_that_of_the_metrics() -> None:
    times = ms(dt.datetime(2014, 4, 10, 3, tzinfo=dt.UTC))
    matrix = engineer(times, np.asarray([[1.0, 2.0]]), ("cpu", "disk"), ("off_hours", "disk", "hour", "cpu"))
    assert matrix.tolist() == [[1.0, 2.0, 3.0, 1.0]]
    assert matrix.dtype == np.float32


def test_an_unknown_or_doubled_feature_is_refused_by_name() -> None:
    with pytest.raises(DetectorError, match="'businesshour': is neither"):
        check_features(["cpu", "businesshour"], ["cpu"])
    with pytest.raises(DetectorError, match="named twice"):
        check_features(["cpu", "cpu"], ["cpu"])
