from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from consumer_history.chunk_codec import (
    ChunkError,
    pack_integers,
    pack_steps,
    pack_values,
    unpack_integers,
    unpack_steps,
    unpack_values,
)

INT64 = some.integers(-(2**63), 2**63 - 1)


@given(some.lists(INT64))
def test_integers_come_back(given: list[int]) -> None:
    column = np.array(given, np.int64)
    assert unpack_integers(pack_integers(column), len(column)).tolist() == given
    assert unpack_steps(pack_steps(column), len(column)).tolist() == given


@given(some.lists(some.floats(allow_nan=True) | some.floats(width=32)))
def test_values_come_back_bit_for_bit(given: list[float]) -> None:
    column = np.array(given, np.float64)
    assert unpack_values(pack_values(column), len(column)).tobytes() == column.tobytes()


def test_a_column_is_as_narrow_as_its_range() -> None:
    assert len(pack_integers(np.full(1000, 7))) == 9
    assert len(pack_integers(np.arange(256) + 10**12)) == 9 + 256
    assert len(pack_integers(np.arange(257))) == 9 + 2 * 257
    assert len(pack_steps(np.arange(1000))) == 17
    assert len(pack_values(np.arange(10) / 4)) == 1 + 4 * 10
    assert len(pack_values(np.arange(10) / 3)) == 1 + 8 * 10


@pytest.mark.parametrize("unpack", [unpack_integers, unpack_steps, unpack_values])
def test_bytes_of_another_length_are_refused(unpack: Callable[[bytes, int], object]) -> None:
    for data in (b"", b"\x08", bytes(8), b"\x01" + bytes(20), b"\x07" + bytes(40)):
        with pytest.raises(ChunkError):
            unpack(data, 3)
