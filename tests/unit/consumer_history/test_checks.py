"""The states of partitions: what their logs make of them, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from consumer_history.checks import Checks, ReadBackChecks
from consumer_history.settings import HistorySettings
from consumer_history.store import EventBatch, Float64s, Int64s
from detectors.cusum import Cusum

SETTINGS = HistorySettings.read(check_depth=12, check_reference=5)
N = 600


def log(partition: int, seed: int = 0) -> EventBatch:
    random = np.random.default_rng((partition, seed))
    keys, values = random.integers(0, 7, N), random.normal(size=N)
    values[300:340] += 4
    return EventBatch(
        keys, np.arange(N, dtype=np.int64), values, np.full(N, partition, np.int32), np.arange(N, dtype=np.int64)
    )


def joined(*parts: EventBatch) -> EventBatch:
    return EventBatch(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def begun(*partitions: int) -> Checks:
    checks = Checks(SETTINGS)
    for partition in partitions:
        checks.start(partition, 0)
    return checks


def alone(events: EventBatch) -> Float64s:
    """One partition's log at once, by the detector itself."""
    return Cusum(12, 5).chart(events.keys, events.values).scores()


def test_a_partitions_scores_are_those_of_its_own_log_whatever_else_is_held() -> None:
    both = begun(0, 1)
    found = [
        both.check(joined(log(0).take(slice(a, a + 50)), log(1).take(slice(a, a + 50))), 1.0) for a in range(0, N, 50)
    ]
    for partition in (0, 1):
        scores = [one.chart.scores()[50 * partition : 50 * partition + 50] for one in found]
        assert np.concatenate(scores).tobytes() == alone(log(partition)).tobytes()


def test_what_is_not_checked_is_noted_all_the_same() -> None:
    checks = begun(0)
    checks.check(log(0).take(slice(0, 300)), 0.0)
    found = checks.check(log(0).take(slice(300, N)), 1.0)
    assert found.chart.scores().tobytes() == alone(log(0))[300:].tobytes()


def test_a_state_rebuilt_from_the_log_goes_on_as_the_lost_one_would_have() -> None:
    checks = Checks(SETTINGS)
    checks.start(0, 250)
    for first in (0, 100):
        checks.learn(log(0).take(slice(first, min(first + 100, 250))))
    checks.learn(log(0).take(slice(200, 250)))
    assert checks.check(log(0).take(slice(250, N)), 1.0).chart.scores().tobytes() == alone(log(0))[250:].tobytes()
    assert checks.next_offsets == {0: N}


def test_what_is_part_of_the_state_or_of_no_partition_held_is_not_unseen() -> None:
    checks = Checks(SETTINGS)
    checks.start(0, 10)
    batch = joined(log(0).take(slice(8, 13)), log(0).take(slice(11, 15)), log(1).take(slice(0, 2)))
    assert checks.unseen(batch).tolist() == [False] * 2 + [True] * 3 + [False] * 2 + [True] * 2 + [False] * 2


def test_a_partition_that_was_dropped_leaves_nothing_behind() -> None:
    checks = begun(0, 1)
    checks.check(log(1), 1.0)
    assert checks.keys == 7
    checks.drop(1)
    checks.drop(1)
    assert (checks.keys, checks.next_offsets) == (0, {0: 0})


class Windows:
    """A store that is asked for each window."""

    def __init__(self, events: EventBatch) -> None:
        self._events = events

    def read_back(self, keys: Int64s, depth: int) -> list[Float64s]:
        return [self._events.values[self._events.keys == key][-depth:] for key in keys.tolist()]


@pytest.mark.parametrize("count", [3, 40, 301])
def test_reading_back_after_the_append_finds_what_the_arrays_find(count: int) -> None:
    events = log(0).take(slice(0, count))
    checks = ReadBackChecks(SETTINGS, Windows(events))
    checks.start(0, 0)
    last = events.take(slice(count - 1, count))
    assert checks.check(last, 1.0).chart.scores()[0] == alone(events)[-1]
    assert checks.next_offsets == {0: count}
