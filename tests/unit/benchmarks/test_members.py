"""Speeds are taken in the window in which every member works, memory over all of it."""

from __future__ import annotations

import pytest

from benchmarks.members import Track, shared, speed
from kafka_cluster.errors import LabError


def track(first_s: int, *done: int, rss_mb: tuple[float, ...] | None = None) -> Track:
    """One sample a second, the first at `first_s`; a second of work costs half a second of CPU."""
    seconds = [float(first_s + number) for number in range(len(done))]
    return Track(seconds, list(done), [0.5 * second for second in seconds], list(rss_mb or [100.0] * len(done)))


def test_of_one_member_the_wait_before_and_after_its_work_does_not_count() -> None:
    found = speed([track(0, 0, 0, 0, 100, 200, 300, 300, 300)], 300)
    assert (found.per_s, found.window_s) == (100, 2)  # the heartbeat with the last record comes late
    assert found.cpu_s_per_million == pytest.approx(5_000)


def test_of_two_members_the_time_counts_in_which_both_work() -> None:
    found = speed([track(0, 0, 100, 200, 300, 400, 500, 600), track(2, 0, 50, 100, 150, 200)], 800)
    assert (found.per_s, found.window_s) == (150, 3)


def test_memory_is_the_largest_members_at_a_tenth_at_most_and_at_the_end() -> None:
    growing = track(0, 0, 100, 500, 900, 1_000, rss_mb=(50, 200, 250, 400, 300))
    found = speed([growing], 1_000)
    assert (found.rss_mb_tenth, found.rss_mb_max, found.rss_mb_end) == (200, 400, 300)


def test_members_that_never_worked_together_give_no_figure() -> None:
    with pytest.raises(LabError, match="too few: one member was through before another began"):
        speed([track(0, 0, 50, 100, 100), track(8, 0, 50, 100, 100)], 200)


@pytest.mark.parametrize(
    ("held", "fair"),
    [([[0, 1], [2, 3]], True), ([[0, 1, 2], [3]], False), ([[0, 1], [2]], False), ([[0, 1], [1, 2, 3]], False)],
)
def test_the_start_waits_until_the_partitions_are_shared_evenly(held: list[list[int]], fair: bool) -> None:
    assert shared([{"partitions": numbers} for numbers in held], 4) == fair
