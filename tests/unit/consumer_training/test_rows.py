from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from consumer_training.rows import Newest, Rows, split

# (event time, partition): few instants, so that there are ties; the offset is the place in the list
arrivals = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), max_size=80)


def rows(arrived: list[tuple[int, int]], first_offset: int = 0) -> Rows:
    times = np.asarray([time for time, _ in arrived], dtype=np.int64)
    offsets = first_offset + np.arange(len(arrived), dtype=np.int64)
    partitions = np.asarray([partition for _, partition in arrived], dtype=np.int64)
    return Rows(times, times[:, None].astype(np.float64), partitions, offsets)


def addresses(part: Rows) -> list[tuple[int, int, int]]:
    return list(zip(part.times_ms.tolist(), part.partitions.tolist(), part.offsets.tolist(), strict=True))


@given(arrivals, st.integers(1, 30), st.integers(1, 10))
def test_the_newest_are_kept_whatever_the_order_and_the_batches(
    arrived: list[tuple[int, int]], limit: int, batch: int
) -> None:
    newest = Newest(metrics=1, limit=limit)
    for start in range(0, len(arrived), batch):
        newest.add(rows(arrived[start : start + batch], first_offset=start))
    assert addresses(newest.rows()) == sorted(addresses(rows(arrived)))[-limit:]
    assert newest.seen == len(arrived)


def test_memory_holds_twice_the_limit_and_a_batch_at_most() -> None:
    newest = Newest(metrics=1, limit=10)
    for start in range(0, 1_000, 5):
        newest.add(rows([(time, 0) for time in range(start, start + 5)], first_offset=start))
        assert sum(len(part) for part in newest._parts) <= 25


@given(arrivals, st.integers(0, 80))
def test_a_scorer_that_starts_after_the_training_part_sees_every_test_record(
    arrived: list[tuple[int, int]], training_rows: int
) -> None:
    ordered = rows(arrived).in_order()
    ends = {partition: len(arrived) for partition in range(4)}
    parts = split(ordered, training_rows, ends)
    assert addresses(parts.training) + addresses(parts.test) == addresses(ordered)
    for partition, offset in zip(parts.test.partitions.tolist(), parts.test.offsets.tolist(), strict=True):
        assert offset >= parts.next_offsets[partition]


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(0, 60))
def test_with_records_in_order_it_sees_no_training_record_again(partitions: list[int], training_rows: int) -> None:
    ordered = rows(list(enumerate(partitions)))
    parts = split(ordered, training_rows, dict.fromkeys(range(4), len(partitions)))
    for partition, offset in zip(parts.training.partitions.tolist(), parts.training.offsets.tolist(), strict=True):
        assert offset < parts.next_offsets[partition]
