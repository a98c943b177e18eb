"""When states are saved, and that what is rebuilt from one is what is rebuilt from everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from consumer_history.checks import Checks
from consumer_history.memory import MemoryStore
from consumer_history.saving import EVENTS_A_VALUE, Saving
from consumer_history.settings import HistorySettings
from consumer_history.store import EventBatch

DEPTH, KEYS = 12, 3
SETTINGS = HistorySettings.read(check_depth=DEPTH, check_reference=5)
FEW = EVENTS_A_VALUE * KEYS * DEPTH


class Saved(MemoryStore):
    """Remembers at which offsets it was asked to save."""

    def __init__(self) -> None:
        super().__init__()
        self.offsets: list[int] = []

    def save(self, partition: int, offset: int, state: Any) -> None:
        self.offsets.append(offset)
        super().save(partition, offset, state)


def events(first: int, count: int) -> EventBatch:
    offsets = np.arange(first, first + count, dtype=np.int64)
    return EventBatch(offsets % KEYS, offsets, np.sin(offsets * 1.3), np.zeros(count, np.int32), offsets)


def run(store: Saved, every: int, until: int, step: int = 10) -> Checks:
    checks = Checks(SETTINGS)
    checks.start(0, 0)
    saving = Saving(checks, store, every, DEPTH)
    saving.begin(0, 0)
    for first in range(0, until, step):
        store.append(events(first, step))
        checks.check(events(first, step), 1.0)
        saving.look()
    return checks


@pytest.mark.parametrize("every", [FEW + 16, 500])
def test_a_state_is_saved_once_in_so_many_events(every: int) -> None:
    store = Saved()
    run(store, every, 2_000)
    assert store.offsets == list(range(-(-every // 10) * 10, 2_001, -(-every // 10) * 10))


def test_a_state_of_many_values_is_saved_more_seldom() -> None:
    store = Saved()
    run(store, 1, 2_000)
    assert np.diff([0, *store.offsets]).min() >= FEW
    assert len(store.offsets) > 5


def test_a_state_that_was_saved_lately_is_not_saved_again_by_who_takes_the_partition_over() -> None:
    store, checks = Saved(), Checks(SETTINGS)
    checks.start(0, 1_000)
    saving = Saving(checks, store, 500, DEPTH)
    saving.begin(0, 900)
    saving.look()
    assert store.offsets == []
    saving.begin(0, 400)
    saving.look()
    assert store.offsets == [1_000]


def test_a_store_that_is_away_costs_a_saved_state_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    store, checks = Saved(), Checks(SETTINGS)
    checks.start(0, 1_000)
    saving = Saving(checks, store, 500, DEPTH)
    store.away = True
    saving.look()
    saving.look()
    assert "".join(capsys.readouterr()).count("state not saved") == 1


def test_a_state_rebuilt_from_a_saved_one_is_that_rebuilt_from_every_event_bit_for_bit() -> None:
    store = Saved()
    whole = run(store, 300, 1_000).snapshot(0)
    again, saved = Checks(SETTINGS), store.saved(0, 1_000, DEPTH)
    assert saved is not None
    assert 0 < saved.offset < 1_000
    again.start(0, 1_000, saved.state)
    for stored in store.last({0: 1_000}, DEPTH, {0: saved.offset}):
        again.learn(stored)
    assert {name: column.tobytes() for name, column in again.snapshot(0).items()} == {
        name: column.tobytes() for name, column in whole.items()
    }
