from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detectors.live_clock import FEWEST, MEMORY, SLACK_MS, SPACING_MS, LiveClock

START = 1_700_006_400_000
MINUTE = 60_000


def noted(appended: Any, event: Any) -> LiveClock:
    clock = LiveClock()
    for one, other in zip(appended, event, strict=True):
        clock.note(int(one), int(other))
    return clock


def test_a_live_stream_goes_on_with_the_wall_clock_less_its_lag() -> None:
    appended = START + np.arange(100) * 1_000
    clock = noted(appended, appended - 300)
    assert clock.stream_ms(int(appended[-1]) + 5 * MINUTE) == appended[-1] + 5 * MINUTE - 300 - SLACK_MS


def test_a_replay_at_its_own_pace_is_as_live_as_any() -> None:
    appended = START + np.arange(100) * 1_000
    years = 10 * 365 * 24 * 60 * MINUTE
    assert noted(appended, appended - years).stream_ms(START + 60 * MINUTE) == START + 60 * MINUTE - years - SLACK_MS


@pytest.mark.parametrize("pace", [0.0, 0.5, 1.5, 2.0, 300.0, 1e6])
def test_a_replay_at_another_pace_is_not_live(pace: float) -> None:
    since = np.arange(200) * 1_000
    assert noted(START + since, START - 50 * MINUTE + since * pace).stream_ms(START + 60 * MINUTE) is None


def test_a_backlog_is_not_live_and_the_stream_after_it_is() -> None:
    history = np.arange(0, 300 * MINUTE, MINUTE) + START - 300 * MINUTE
    at_once = START + np.arange(len(history)) * 20
    clock = noted(at_once, history)
    assert clock.stream_ms(START + MINUTE) is None
    for second in range(10, 10 + MEMORY):
        clock.note(START + second * 1_000, START + second * 1_000)
    assert clock.stream_ms(START + 60 * MINUTE) == START + 60 * MINUTE - SLACK_MS


def test_one_record_in_ten_may_be_late_or_of_a_broken_clock() -> None:
    random = np.random.default_rng(1)
    appended = START + np.arange(MEMORY) * 5_000
    event = appended - random.integers(0, 2_000, MEMORY)
    event[::20] -= 500 * MINUTE
    event[7::30] += 10**9
    told = noted(appended, event).stream_ms(START + 60 * MINUTE)
    assert told is not None
    assert START + 60 * MINUTE - SLACK_MS - 2_000 <= told <= START + 60 * MINUTE - SLACK_MS


def test_a_few_records_or_a_moment_are_too_little_to_tell_by() -> None:
    appended = START + np.arange(FEWEST - 1) * MINUTE
    assert noted(appended, appended).stream_ms(START + 60 * MINUTE) is None
    appended = START + np.arange(FEWEST) * MINUTE
    assert noted(appended, appended).stream_ms(START + 60 * MINUTE) is not None
    appended = START + np.arange(1_000) * SPACING_MS // 1_000
    assert noted(appended, appended).stream_ms(START + 60 * MINUTE) is None
