from __future__ import annotations

import numpy as np

from consumer_history.buckets import BUCKET_EVENTS, by_bucket
from consumer_history.store import EventBatch


def batch(offsets: list[int]) -> EventBatch:
    at = np.array(offsets, np.int64)
    return EventBatch(at * 2, at, at / np.float64(2), np.zeros(len(at), np.int32), at)


def test_a_bucket_is_a_function_of_the_offset_alone() -> None:
    parts = list(by_bucket(batch([BUCKET_EVENTS - 1, BUCKET_EVENTS, BUCKET_EVENTS + 5, 3 * BUCKET_EVENTS])))
    assert [(partition, bucket, part.offsets.tolist()) for partition, bucket, part in parts] == [
        (0, 0, [BUCKET_EVENTS - 1]),
        (0, 1, [BUCKET_EVENTS, BUCKET_EVENTS + 5]),
        (0, 3, [3 * BUCKET_EVENTS]),
    ]


def test_events_out_of_order_or_repeated_are_put_right() -> None:
    ((_, _, part),) = by_bucket(batch([5, 3, 5, 4]))
    assert part.offsets.tolist() == [3, 4, 5]
    assert part.keys.tolist() == [6, 8, 10]
