from __future__ import annotations

from collections import defaultdict, deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.errors import DetectorError
from detectors.key_table import KeyTable, key_ids
from detectors.last_values import LastValues

INT64S = st.integers(-(2**63), 2**63 - 1)
MB = 1_000_000


@given(
    batches=st.lists(st.lists(st.one_of(st.integers(-3, 3), INT64S), max_size=40), max_size=8), depth=st.integers(1, 9)
)
@settings(max_examples=60, deadline=None)
def test_the_last_values_of_each_key_are_those_of_a_deque_each(batches: list[list[int]], depth: int) -> None:
    plain: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=depth))
    kept, value = LastValues(depth), 0.0
    for batch in batches:
        values = np.arange(value, value + len(batch), dtype=np.float64)
        kept.push(np.asarray(batch, np.int64), values)
        value += len(batch)
        for key, one in zip(batch, values.tolist(), strict=True):
            plain[key].append(one)
    assert len(kept) == len(plain)
    assert {key: kept.of(key).tolist() for key in plain} == {key: list(of_key) for key, of_key in plain.items()}
    again = LastValues.restore(kept.snapshot())
    assert {key: again.of(key).tolist() for key in plain} == {key: list(of_key) for key, of_key in plain.items()}


def test_a_key_never_met_has_no_values() -> None:
    kept = LastValues()
    kept.push(np.asarray([1]), np.asarray([2.0]))
    assert kept.of(0).tolist() == []
    assert len(kept) == 1


def test_slots_stay_while_the_table_grows() -> None:
    table, random = KeyTable(), np.random.default_rng(1)
    keys = random.integers(-(2**63), 2**63 - 1, 50_000)
    first = table.slots(keys[:100])
    table.slots(keys)
    assert table.capacity >= 50_000
    assert table.slots(keys[:100]).tolist() == first.tolist() == list(range(100))
    assert table.keys.tolist() == keys.tolist()
    assert table.find(keys).tolist() == list(range(50_000))
    assert table.find(np.asarray([12_345])).tolist() == [-1]


def test_keys_of_one_hash_chain_stay_apart() -> None:
    """Multiples of a power of two all meet in one cell where the low bits are taken as they are."""
    keys = np.arange(5_000, dtype=np.int64) << 40
    table = KeyTable()
    assert table.slots(keys).tolist() == list(range(5_000))
    assert table.slots(keys[::-1].copy()).tolist() == list(range(5_000))[::-1]


def test_a_key_costs_half_a_kilobyte() -> None:
    kept, keys = LastValues(), np.arange(100_000)
    kept.push(keys, keys.astype(float))
    assert kept.nbytes / len(kept) < 512


def test_a_snapshot_does_not_change_afterwards() -> None:
    kept = LastValues(3)
    kept.push(np.asarray([1]), np.asarray([1.0]))
    taken = kept.snapshot()
    kept.push(np.asarray([1, 2]), np.asarray([2.0, 3.0]))
    assert LastValues.restore(taken).of(1).tolist() == [1.0]
    assert len(LastValues.restore(taken)) == 1


def test_a_broken_snapshot_is_refused() -> None:
    kept = LastValues(3)
    kept.push(np.asarray([1, 2]), np.asarray([1.0, 2.0]))
    taken = kept.snapshot()
    with pytest.raises(DetectorError, match="fit together"):
        LastValues.restore({**taken, "seen": taken["seen"][:1]})
    with pytest.raises(DetectorError, match="twice"):
        LastValues.restore({**taken, "keys": taken["keys"] * 0})


def test_text_keys_get_an_id_each_that_never_changes() -> None:
    names = [b"host-%d" % number for number in range(100_000)]
    ids = key_ids(names)
    assert len(np.unique(ids)) == len(names)
    assert key_ids(names[7:9]).tolist() == ids[7:9].tolist()
    assert key_ids([b"", None, b"host-1"]).tolist() == [-780787492076525413, -780787492076525413, 5098484558167091268]
