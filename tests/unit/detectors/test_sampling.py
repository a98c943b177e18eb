"""Which records are checked when not all are."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.sampling import Bools, chosen

N = 40_000
PARTITIONS = np.repeat(np.arange(4, dtype=np.int32), N // 4)
OFFSETS = np.tile(np.arange(N // 4, dtype=np.int64), 4)


def marks(share: float) -> Bools:
    return chosen(PARTITIONS, OFFSETS, share)


def test_none_of_nothing_and_all_of_one() -> None:
    assert not marks(0).any()
    assert marks(1).all()


@pytest.mark.parametrize("share", [0.02, 0.25, 0.9])
def test_the_share_is_as_large_as_asked_for_in_every_partition(share: float) -> None:
    found = marks(share).reshape(4, -1).mean(axis=1)
    assert np.abs(found - share).max() < 5 * np.sqrt(share * (1 - share) / (N / 4))


def test_a_larger_share_has_all_of_a_smaller_one() -> None:
    assert not (marks(0.1) & ~marks(0.3)).any()


def test_a_record_is_chosen_or_not_whatever_comes_with_it() -> None:
    order = np.random.default_rng(0).permutation(N)
    assert np.array_equal(chosen(PARTITIONS[order], OFFSETS[order], 0.3), marks(0.3)[order])


def test_neighbours_and_partitions_are_chosen_independently() -> None:
    found = marks(0.5).reshape(4, -1).astype(float)
    assert np.abs(np.corrcoef(found) - np.eye(4)).max() < 0.05
    assert abs(np.corrcoef(found[0, 1:], found[0, :-1])[0, 1]) < 0.05
