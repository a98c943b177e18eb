"""A member that hangs inside the client ends, so that whoever restarts it gets one that works."""

from __future__ import annotations

from kafka_cluster.clock import ManualClock
from kafka_cluster.watchdog import Watchdog


def test_a_step_that_is_over_its_time_ends_the_process() -> None:
    ended: list[bool] = []
    clock = ManualClock()
    dog = Watchdog(15.0, clock, lambda: ended.append(True))
    with dog.watched():
        clock.sleep(15.0)
        dog.look()
        assert ended == []
        clock.sleep(0.1)
        dog.look()
    dog.close()
    assert ended


def test_time_between_two_steps_does_not_count() -> None:
    ended: list[bool] = []
    clock = ManualClock()
    dog = Watchdog(15.0, clock, lambda: ended.append(True))
    with dog.watched():
        clock.sleep(1.0)
    clock.sleep(100.0)
    dog.look()
    dog.close()
    assert ended == []
