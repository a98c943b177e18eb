from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.walk import LANES, blocks_of, pack, sortable, sum_path_lengths

floats = st.floats(width=32, allow_nan=False)


@given(a=floats, b=floats)
@settings(max_examples=300, deadline=None)
def test_the_keys_compare_as_the_floats_do(a: float, b: float) -> None:
    one, other = sortable(np.asarray([a, b], np.float32)).tolist()
    assert (one > other, one == other) == (a > b, a == b)


def test_walks_end_where_plain_python_ends() -> None:
    random = np.random.default_rng(0)
    for rows, trees, depth, d in [(1, 1, 0, 1), (7, 3, 1, 2), (8, 2, 5, 3), (300, 5, 8, 4)]:
        inner = (1 << depth) - 1
        feature = random.integers(0, d, (trees, inner)).astype(np.uint8)
        threshold = random.choice(np.asarray([-1, 0, 1, np.inf], np.float32), (trees, inner))
        leaf = random.normal(size=(trees, inner + 1))
        x = random.choice(np.asarray([-2, -1, -0.0, 0, 1, np.inf], np.float32), (rows, d))
        total = np.zeros(-(-rows // LANES) * LANES)
        sum_path_lengths(blocks_of(sortable(x)), pack(feature, threshold), leaf, total)
        assert total[:rows].tolist() == [_walk(row, feature, threshold, leaf) for row in x]


def _walk(
    row: np.ndarray[tuple[int], np.dtype[np.float32]],
    feature: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
    threshold: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    leaf: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> float:
    total = 0.0
    for tree in range(len(feature)):
        node = 0
        while node < feature.shape[1]:
            node = 2 * node + 1 + int(row[feature[tree, node]] > threshold[tree, node])
        total += leaf[tree, node - feature.shape[1]]
    return float(total)
