from __future__ import annotations

import gc
import weakref

import pytest

from kafka_cluster.clock import ManualClock
from kafka_cluster.garbage import COLLECT_EVERY_S, collected_between_batches


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def test_cycles_are_collected_between_batches_and_not_before() -> None:
    clock = ManualClock()
    with collected_between_batches(clock) as garbage:
        assert not gc.isenabled()
        left = weakref.ref(Cycle())
        garbage.collect()
        assert left() is not None
        clock.sleep(COLLECT_EVERY_S)
        garbage.collect()
        assert left() is None
    assert gc.isenabled()


def test_the_collector_is_on_again_after_a_failure() -> None:
    with pytest.raises(ValueError, match="boom"), collected_between_batches(ManualClock()):
        raise ValueError("boom")
    assert gc.isenabled()
