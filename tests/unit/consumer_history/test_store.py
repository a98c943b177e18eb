from __future__ import annotations

import numpy as np
import pytest

from consumer_history.store import EventBatch


def batch(partitions: list[int]) -> EventBatch:
    n = len(partitions)
    numbers = np.arange(n, dtype=np.int64)
    return EventBatch(numbers, numbers * 10, numbers / 2, np.array(partitions, dtype=np.int32), numbers + 100)


def test_columns_of_different_lengths_are_refused() -> None:
    one = batch([0, 0])
    with pytest.raises(ValueError, match="different lengths"):
        EventBatch(one.keys[:1], one.times_ms, one.values, one.partitions, one.offsets)


def test_each_partition_has_its_events_in_their_order() -> None:
    parts = dict(batch([2, 0, 2, 0, 0]).by_partition())
    assert {number: part.offsets.tolist() for number, part in parts.items()} == {0: [101, 103, 104], 2: [100, 102]}
    assert parts[2].keys.tolist() == [0, 2]


def test_no_events_have_no_partitions() -> None:
    assert list(batch([]).by_partition()) == []


def test_a_batch_of_one_partition_is_not_copied() -> None:
    one = batch([1, 1])
    assert dict(one.by_partition()) == {1: one}
