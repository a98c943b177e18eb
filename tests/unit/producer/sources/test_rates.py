from __future__ import annotations

import pytest

from producer.sources.rates import Rates, Steadiness
from tests.unit.producer.sources.conftest import JumpingClock


def looks(*values: tuple[float, float], every_s: float = 10.0) -> list[float | None]:
    """The rates of one counter at (instant, value)."""
    rates, found = Rates(every_s), []
    for at_s, value in values:
        rates.begin_look()
        found.append(rates.per_second("bytes", value, at_s))
    return found


def test_a_rate_is_the_increase_over_the_time_that_passed() -> None:
    assert looks((0, 100), (10, 150), (15, 150), (20, 160)) == [None, 5.0, 0.0, 2.0]


def test_a_counter_that_was_reset_or_wrapped_has_no_rate_then_and_one_from_the_next_look_on() -> None:
    assert looks((0, 4_294_967_290), (10, 20), (20, 60)) == [None, None, 4.0]


def test_over_a_longer_pause_than_a_few_looks_there_is_no_rate() -> None:
    assert looks((0, 0), (30, 300), (61, 400), (71, 410)) == [None, 10.0, None, 1.0]


def test_looks_in_quick_succession_may_be_held_up_for_a_second() -> None:
    assert looks((0, 0), (0.9, 9), (2.0, 20), every_s=0.1) == [None, pytest.approx(10.0), None]


def test_time_that_stands_still_gives_no_rate() -> None:
    assert looks((5, 0), (5, 10)) == [None, None]


def test_what_is_not_seen_in_a_look_begins_anew() -> None:
    rates = Rates(10.0)
    rates.begin_look()
    rates.per_second("veth0", 100, 0.0)
    rates.begin_look()
    assert rates.seen_before("veth0")
    rates.begin_look()
    assert not rates.seen_before("veth0")
    assert rates.per_second("veth0", 900, 20.0) is None


def test_a_machine_that_slept_is_noticed_once(clock: JumpingClock) -> None:
    steadiness = Steadiness(clock, 1.0)
    assert not steadiness.jumped()
    clock.sleep(1.0)
    assert not steadiness.jumped()
    clock.set_by += 3_600  # asleep for an hour: the time since the start stood still
    clock.sleep(1.0)
    assert steadiness.jumped()
    clock.sleep(1.0)
    assert not steadiness.jumped()


def test_a_clock_set_back_is_a_jump_and_a_slight_correction_is_none(clock: JumpingClock) -> None:
    steadiness = Steadiness(clock, 1.0)
    steadiness.jumped()
    clock.set_by -= 0.4
    assert not steadiness.jumped()
    clock.set_by -= 30
    assert steadiness.jumped()
