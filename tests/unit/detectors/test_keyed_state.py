from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.keyed_state import Column, KeyedState


def test_rows_stay_with_their_keys_while_the_arrays_grow() -> None:
    state = KeyedState(number=Column(), pair=Column((2,), np.int64, -7))
    for first in range(0, 5_000, 500):
        keys = np.arange(first, first + 500) * 7_919
        slots = state.slots(keys)
        state["number"][slots] = keys
    keys = np.arange(5_000) * 7_919
    assert (state["number"][state.slots(keys)] == keys).all()
    assert (state["pair"][: len(state)] == -7).all()


def test_a_restored_snapshot_is_the_same_and_others_are_refused() -> None:
    state, other = KeyedState(number=Column()), KeyedState(number=Column())
    slots = state.slots(np.arange(3_000))
    state["number"][slots] = np.arange(3_000)
    other.restore(state.snapshot())
    assert (other["number"][other.find(np.arange(3_000))] == np.arange(3_000)).all()
    assert other.find(np.array([4_000])).tolist() == [-1]
    for wrong in (KeyedState(name=Column()), KeyedState(number=Column((2,)))):
        with pytest.raises(DetectorError, match="do not fit"):
            wrong.restore(state.snapshot())
