from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.silence import Silence, Silent

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_700_006_400_000  # 2023-11-15 00:00 UTC
Ints = np.ndarray[Any, np.dtype[np.int64]]


def merged(*series: Any) -> tuple[Ints, Ints]:
    """Keys 0, 1, … with the times of each, in the order of time."""
    keys = np.repeat(np.arange(len(series)), [len(times) for times in series])
    times = np.concatenate([np.asarray(times, np.int64) for times in series])
    order = np.lexsort((keys, times))
    return keys[order], times[order] + START


def every(step: int, until: int, since: int = 0) -> Ints:
    return np.arange(since, until, step, dtype=np.int64)


def told(keys: Ints, times: Ints, silence: Silence | None = None) -> list[Silent]:
    return (silence or Silence()).observe(keys, times, np.arange(len(keys)))


def test_a_key_that_stops_is_told_once_at_the_time_when_it_should_have_spoken() -> None:
    keys, times = merged(every(MINUTE, 6 * HOUR), every(MINUTE, 3 * HOUR), every(5 * MINUTE, 6 * HOUR))
    (silent,) = told(keys, times)
    assert silent.key == 1
    assert silent.last_ms == START + 3 * HOUR - MINUTE
    assert silent.due_ms == silent.last_ms + 3 * MINUTE
    assert (keys[silent.address], times[silent.address]) == (1, silent.last_ms)
    assert silent.sentence == "silent since 02:59 UTC, due by 03:02; speaks every 1m as a rule"


def test_a_daily_key_is_missed_ten_minutes_after_its_hour() -> None:
    keys, times = merged(every(5 * MINUTE, 30 * DAY), every(DAY, 20 * DAY, 3 * HOUR))
    (silent,) = told(keys, times)
    assert (silent.key, silent.due_ms) == (1, START + 20 * DAY + 3 * HOUR + 10 * MINUTE)


def test_nobody_is_silent_while_all_speak_regularly_or_not() -> None:
    random = np.random.default_rng(1)
    poisson = [np.cumsum(random.exponential(step, 4_000)) for step in (5_000, 20_000, 60_000)]
    keys, times = merged(*poisson, every(MINUTE, 2 * DAY))
    assert len(told(keys, times)) <= len(keys) / 5_000


def test_resting_at_night_is_a_habit_after_two_nights_and_an_outage_is_none() -> None:
    by_day = np.concatenate([every(5 * MINUTE, day * DAY + 18 * HOUR, day * DAY + 8 * HOUR) for day in range(12)])
    outage = by_day[(by_day < 9 * DAY + 10 * HOUR) | (by_day > 9 * DAY + 12 * HOUR)]
    keys, times = merged(outage, every(MINUTE, 12 * DAY))
    days = [(silent.due_ms - START) / DAY for silent in told(keys, times)]
    assert [int(day) for day in days] == [0, 1, 9]
    assert days[2] == pytest.approx(9 + 10 / 24, abs=1 / 24)


def test_outages_of_different_length_are_all_told_even_if_they_begin_at_the_same_hour() -> None:
    its = every(MINUTE, 4 * DAY)
    for day, hours in enumerate((1, 3, 2)):
        first = day * DAY + 12 * HOUR
        its = its[(its < first) | (its > first + hours * HOUR)]
    assert len(told(*merged(its, every(MINUTE, 4 * DAY)))) == 3


def test_a_key_that_changes_its_rhythm_is_told_a_few_times_and_not_for_ever() -> None:
    its = np.concatenate([every(MINUTE, DAY), every(10 * MINUTE, 6 * DAY, DAY)])
    found = told(*merged(its, every(MINUTE, 6 * DAY)))
    assert 1 <= len(found) <= 4
    assert max(silent.due_ms for silent in found) < START + 2 * DAY


def test_nobody_is_silent_when_the_whole_stream_stands_still() -> None:
    def paused(times: Ints) -> Ints:
        return np.where(times > 5 * HOUR, times + 7 * HOUR, times)

    series = [paused(every(MINUTE, 10 * HOUR, at)) for at in range(0, MINUTE, 2_000)]
    assert told(*merged(*series)) == []


@pytest.mark.parametrize("change", [HOUR, -HOUR])
def test_nobody_is_silent_when_the_clocks_change(change: int) -> None:
    series = [every(5 * MINUTE, DAY, 1_000 * at) for at in range(30)]
    keys, times = merged(*series)
    moved = np.where(times > START + 12 * HOUR, times + change, times)  # the order of arrival stays
    assert told(keys, moved) == []


def test_a_clock_far_ahead_silences_nobody_else() -> None:
    keys, times = merged(*[every(MINUTE, DAY, 1_000 * at) for at in range(20)])
    times[5_000] += 300 * DAY
    times[9_000:9_400][keys[9_000:9_400] == 7] += 20 * DAY
    assert {silent.key for silent in told(keys, times)} <= {7}


def test_late_records_are_no_sign_of_silence_nor_of_life() -> None:
    keys, times = merged(every(MINUTE, 6 * HOUR), every(MINUTE, 3 * HOUR), every(MINUTE, 6 * HOUR, 30_000))
    late = np.random.default_rng(2).random(len(times)) < 0.1
    arrival = np.argsort(times + np.where(late, 90_000, 0), kind="stable")
    found = told(keys[arrival], times[arrival], Silence(lateness_ms=2 * MINUTE))
    assert [silent.key for silent in found] == [1]
    repeated = np.full(50, times[keys == 1][20])  # old records of the silent key, sent again in the end
    again = np.concatenate([keys, np.ones(50, np.int64)]), np.concatenate([times, repeated[::-1]])
    assert [silent.key for silent in told(*again)] == [1]


def test_batch_boundaries_and_snapshots_do_not_matter() -> None:
    random = np.random.default_rng(3)
    series = [np.cumsum(random.gamma(2, 30_000, 900)) for _ in range(40)]
    series = [times[(times < 5 * HOUR) | (times > 5 * HOUR + at * 5 * MINUTE)] for at, times in enumerate(series)]
    keys, times = merged(*series)
    times[random.integers(0, len(times), 30)] += random.integers(-DAY, DAY, 30)
    whole = told(keys, times)
    found, silence, where = [], Silence(), np.arange(len(keys))
    for first, last in pairwise([0, *sorted(random.integers(0, len(keys), 40)), len(keys)]):
        found += silence.observe(keys[first:last], times[first:last], where[first:last])
        other = Silence()
        other.restore(silence.snapshot())
        silence = other
    assert sorted(found) == sorted(whole)
    assert len(whole) > 5


def test_a_fixed_limit_needs_no_warm_up() -> None:
    keys, times = merged([0], every(MINUTE, HOUR))
    (silent,) = told(keys, times, Silence(fixed_ms=15 * MINUTE))
    assert (silent.key, silent.due_ms, silent.usual_ms) == (0, START + 15 * MINUTE, 0)
    assert silent.sentence == "silent since 00:00 UTC, due by 00:15"


def test_a_key_that_is_not_listened_to_moves_the_time_alone() -> None:
    keys, times = merged(every(MINUTE, HOUR), [0])
    found = Silence(fixed_ms=5 * MINUTE).observe(keys, times, heard=keys == 1)
    assert [silent.key for silent in found] == [1]


def test_a_live_stream_that_falls_silent_as_a_whole_is_told_by_the_wall_clock() -> None:
    keys, times = merged(*[every(MINUTE, HOUR)] * 3)
    silence = Silence()
    assert told(keys, times, silence) == []
    assert silence.tick(int(times[-1]) + MINUTE) == []
    assert [silent.key for silent in silence.tick(int(times[-1]) + 10 * MINUTE)] == [0, 1, 2]
    assert silence.tick(int(times[-1]) + 20 * MINUTE) == []


def test_what_the_clock_tells_the_records_do_not_tell_again_and_nothing_else_changes() -> None:
    random = np.random.default_rng(5)
    series = [np.cumsum(random.gamma(2, 30_000, 900)) for _ in range(40)]
    series = [times[(times < 5 * HOUR) | (times > 5 * HOUR + at * 5 * MINUTE)] for at, times in enumerate(series)]
    keys, times = merged(*series)
    times[times > START + 10 * HOUR] += 6 * HOUR  # the whole stream stands still
    alone, plain = Silence(), []
    ticked, found, by_clock = Silence(), [], []
    edges = [0, *np.unique(random.integers(1, len(keys), 60)).tolist(), len(keys)]
    for first, last in pairwise(edges):
        plain += alone.observe(keys[first:last], times[first:last], np.arange(first, last))
        found += ticked.observe(keys[first:last], times[first:last], np.arange(first, last))
        now = int(times[last - 1] + random.integers(0, 30) * MINUTE)
        expected = ticked.overdue(now)
        told = ticked.tick(now)
        assert bool(told) == expected
        assert ticked.tick(now) == []
        by_clock += told
    assert len(by_clock) > 10
    assert len(set(by_clock)) == len(by_clock)
    assert sorted(found) == sorted(silent for silent in plain if silent not in by_clock)
    assert found
    one, other = alone.snapshot(), ticked.snapshot()
    assert all(np.array_equal(one[name], other[name]) for name in one.keys() - {"times"})


def test_a_standstill_of_the_whole_stream_is_no_habit_of_its_key() -> None:
    its = every(MINUTE, DAY + 12 * HOUR)
    its = its[(its < 12 * HOUR) | (its > 14 * HOUR)]
    silence = Silence()
    assert told(*merged(its), silence) == []
    assert [silent.key for silent in silence.tick(int(its[-1]) + START + 5 * MINUTE)] == [0]


def test_a_key_that_stays_away_when_the_others_are_back_is_told_again_in_the_new_time() -> None:
    others = every(MINUTE, 5 * HOUR)
    others = others[(others < HOUR) | (others > 3 * HOUR)]
    keys, times = merged(others, others, others, every(MINUTE, HOUR))
    silence, at = Silence(), int(np.searchsorted(times, START + 2 * HOUR))
    assert told(keys[:at], times[:at], silence) == []
    assert len(silence.tick(START + 2 * HOUR)) == 4
    found = silence.observe(keys[at:], times[at:], np.arange(at, len(keys)))
    assert [(silent.key, silent.due_ms > START + 3 * HOUR) for silent in found] == [(3, True)]


def test_times_that_cannot_be_are_refused() -> None:
    with pytest.raises(DetectorError):
        Silence(fixed_ms=-1)
