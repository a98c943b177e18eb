from __future__ import annotations

import numpy as np
import pytest

from consumer_training.evaluate import LabelledWindows, Scored, evaluate, inside_windows
from consumer_training.rows import Rows


def scored(alarms: list[int], rows: int = 100) -> Scored:
    """One record a second from 0 on; alarms at the given seconds."""
    index = np.arange(rows, dtype=np.int64)
    part = Rows(index * 1_000, np.zeros((rows, 1)), index * 0, index)
    return Scored(part, np.zeros(rows), np.isin(index, alarms))


def test_windows_are_found_or_missed_and_alarms_outside_are_false() -> None:
    windows: LabelledWindows = {"cpu": [(10_000, 20_000), (40_000, 50_000)], "disk": [(12_000, 15_000)]}
    result = evaluate(scored([5, 13, 20, 60]), windows)
    assert (result.rows, result.alerts, result.found, result.missed, result.false_alarms) == (100, 4, 2, 1, 2)
    assert result.alert_rate == 0.04
    assert result.windows is not None
    assert [(one.metric, one.found, one.delay_s) for one in result.windows] == [
        ("cpu", True, 3.0),
        ("cpu", False, None),
        ("disk", True, 1.0),
    ]
    assert result.median_delay_s == 2.0


def test_windows_outside_the_test_part_do_not_count() -> None:
    result = evaluate(scored([]), {"cpu": [(-50_000, -1_000), (100_000, 200_000), (99_000, 300_000)]})
    assert result.missed == 1


def test_without_labels_nothing_is_claimed_about_windows() -> None:
    result = evaluate(scored([1]), None)
    assert (result.windows, result.found, result.missed, result.false_alarms) == (None, None, None, None)
    assert result.alerts == 1


def test_the_ends_of_a_window_are_inside() -> None:
    times = np.asarray([9, 10, 20, 21], dtype=np.int64)
    assert inside_windows(times, {"cpu": [(10, 20)]}).tolist() == [False, True, True, False]


@pytest.mark.parametrize(("alarm", "found"), [(9, 0), (10, 1), (20, 1), (21, 0)])
def test_an_alarm_at_either_end_finds_the_window(alarm: int, found: int) -> None:
    assert evaluate(scored([alarm]), {"cpu": [(10_000, 20_000)]}).found == found


def test_the_result_is_plain_data() -> None:
    data = evaluate(scored([13]), {"cpu": [(10_000, 20_000)]}).to_json()
    assert data["windows"][0] == {"metric": "cpu", "start_ms": 10_000, "end_ms": 20_000, "found": True, "delay_s": 3.0}
    assert (data["from_ms"], data["to_ms"]) == (0, 99_000)
