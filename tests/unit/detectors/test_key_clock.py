from __future__ import annotations

import numpy as np
import pytest

from detectors.key_clock import ANEW, CLOCK, DROPPED, IN_ORDER, LATE, PATIENCE, read_clocks
from detectors.keyed_state import KeyedState


def codes(times: list[int], lateness_ms: int = 10, keys: list[int] | None = None) -> list[int]:
    state = KeyedState(clock=CLOCK)
    slots = state.slots(np.asarray(keys or [0] * len(times)))
    found, ages = np.empty(len(times), np.int8), np.empty(len(times), np.int64)
    read_clocks(state["clock"], slots, np.asarray(times, np.int64), lateness_ms, found, ages)
    return [int(code) for code in found]


def test_a_record_behind_the_newest_is_late_and_past_the_lateness_dropped() -> None:
    assert codes([100, 90, 89, 100, 120, 109]) == [IN_ORDER, LATE, DROPPED, IN_ORDER, IN_ORDER, DROPPED]


def test_keys_have_their_own_time() -> None:
    assert codes([100, 5, 101, 6], keys=[1, 2, 1, 2]) == [IN_ORDER] * 4


@pytest.mark.parametrize("jump", [3_600_000, 100 * 365 * 86_400_000])
def test_after_one_record_from_the_future_a_key_is_heard_again_soon(jump: int) -> None:
    found = codes([0, 1_000, jump, *range(2_000, 30_000, 1_000)])
    assert found[:3] == [IN_ORDER] * 3
    assert found[3 : 3 + PATIENCE] == [*[DROPPED] * (PATIENCE - 1), ANEW]
    assert set(found[3 + PATIENCE :]) == {IN_ORDER}


def test_a_clock_set_back_begins_anew_and_stray_old_records_do_not_set_it_back() -> None:
    set_back = [*range(10_000, 20_000, 1_000), *range(5_000, 25_000, 1_000)]
    assert codes(set_back).count(ANEW) == 1
    strays = [time for step in range(30) for time in (100_000 + step, 50_000 - step)]
    assert ANEW not in codes(strays)
    assert ANEW not in codes([100_000, *range(50_000, 49_000, -10)])
