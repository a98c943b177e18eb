from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dashboard.fading import Fading
from dashboard.ring import Points, Ring
from dashboard.thin import thinned


def points(values: list[float]) -> Points:
    numbers = np.asarray(values, dtype=np.float64)
    return Points(np.arange(len(values), dtype=np.int64), numbers[:, None], numbers)


@given(st.lists(st.lists(st.integers(0, 1000), max_size=9), max_size=12), st.integers(0, 60))
def test_a_ring_gives_what_the_end_of_a_list_would(batches: list[list[int]], place: int) -> None:
    ring, everything = Ring(7, 1), []
    for batch in batches:
        ring.append(points([float(one) for one in batch]))
        everything += batch
    assert ring.total == len(everything)
    begin = max(place, len(everything) - 7)
    assert ring.since(place).values[:, 0].tolist() == everything[begin:]
    assert ring.has_all_since(place) == (len(everything) - 7 <= place <= len(everything))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(4, 50))
def test_thinning_keeps_the_extremes_and_the_order(values: list[float], keep: int) -> None:
    kept = thinned(points(values), keep)
    assert kept.values.max() == max(values)
    assert kept.values.min() == min(values)
    assert np.all(np.diff(kept.times_ms) > 0)
    assert len(kept.times_ms) <= max(keep, 4)


def test_few_points_are_not_thinned() -> None:
    few = points([3.0, 1.0, 2.0])
    assert thinned(few, 3) is few


@given(st.lists(st.lists(st.integers(-1000, 1000), max_size=30), max_size=20))
def test_the_past_fades_and_keeps_its_extremes_while_what_is_new_comes_whole(batches: list[list[int]]) -> None:
    fading, everything, sizes = Fading(40, 1), list[int](), list[int]()
    for batch in batches:
        came = points([float(one) for one in batch])
        fading.append(came._replace(times_ms=came.times_ms + len(everything)))
        everything += batch
        sizes.append(len(fading.since(0).times_ms))
    assert fading.total == len(everything)
    assert max(sizes, default=0) <= 40
    kept = fading.since(0).values[:, 0].tolist()
    if everything:
        assert (min(kept), max(kept)) == (min(everything), max(everything))
        assert kept[0] == everything[0] or len(everything) > 20
    for place in filter(fading.has_all_since, range(len(everything) + 1)):
        assert fading.since(place).values[:, 0].tolist() == everything[place:]
    assert fading.has_all_since(max(0, len(everything) - 5))
    assert fading.has_all_since(0) or len(everything) > 40
