"""The last values of each partition's keys, and the check of each event against them.

A partition has a state of its own, which its log alone decides: what other partitions this member holds, where batches
fall and how often the state was rebuilt change nothing. So a partition can be given up and taken over without a trace.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from consumer_history.settings import HistorySettings
from consumer_history.store import EventBatch, Float64s, Int64s
from detectors.cusum import Chart, Cusum
from detectors.last_values import Snapshot
from detectors.sampling import chosen

Bools = npt.NDArray[np.bool_]


class Checked(NamedTuple):
    """Of a batch: which rows were checked, and their charts; shape (n,) each."""

    marks: Bools
    chart: Chart


@runtime_checkable
class ReadBackStore(Protocol):
    """A store that is asked for the values of every check."""

    def read_back(self, keys: Int64s, depth: int) -> list[Float64s]:
        """The newest `depth` values of each key, oldest first."""


class Checks:
    """One CUSUM a partition, and the offset that each goes on at."""

    def __init__(self, settings: HistorySettings) -> None:
        self._settings = settings
        self._states: dict[int, Cusum] = {}
        self._next: dict[int, int] = {}

    @property
    def next_offsets(self) -> dict[int, int]:
        """By partition held, the offset of the first event that is not part of the state."""
        return dict(self._next)

    @property
    def keys(self) -> int:
        """Keys there are values of."""
        return sum(len(state.history) for state in self._states.values())

    @property
    def nbytes(self) -> int:
        """What their values occupy."""
        return sum(state.history.nbytes for state in self._states.values())

    def start(self, partition: int, offset: int, saved: Snapshot | None = None) -> None:
        """An empty state, or a saved one, that goes on at `offset`; `learn` gives it what is stored below."""
        self._states[partition], self._next[partition] = self._detector(), offset
        if saved is not None:
            self._states[partition].restore(saved)

    def drop(self, partition: int) -> None:
        """Forget a partition. Harmless when it is not there."""
        self._states.pop(partition, None)
        self._next.pop(partition, None)

    def learn(self, stored: EventBatch) -> None:
        """Take note of events that were checked before, in the order of their offsets."""
        for partition, part in stored.by_partition():
            if partition in self._states:
                self._states[partition].history.push(part.keys, part.values)

    def keys_of(self, partition: int) -> int:
        """Keys of a partition held."""
        return len(self._states[partition].history)

    def snapshot(self, partition: int) -> Snapshot:
        """A copy of the state of a partition held."""
        return self._states[partition].snapshot()

    def snapshots(self) -> dict[int, Snapshot]:
        """By partition held: a copy of its state."""
        return {partition: self.snapshot(partition) for partition in self._states}

    def unseen(self, batch: EventBatch) -> Bools:
        """Shape (n,): false for events of partitions that are not held, or that are part of the state already.

        A partition that was given up and got back inside one call of the client comes twice in its batch.
        """
        fresh = np.zeros(len(batch), np.bool_)
        for partition in np.unique(batch.partitions).tolist():
            if partition not in self._next:
                continue
            rows = np.flatnonzero(batch.partitions == partition)
            offsets = batch.offsets[rows]
            before = np.maximum.accumulate(np.concatenate([[self._next[partition] - 1], offsets]))[:-1]
            fresh[rows] = offsets > before
        return fresh

    def check(self, batch: EventBatch, share: float) -> Checked:
        """Check a share of the events, and note all of them. All are unseen, and stored."""
        marks = chosen(batch.partitions, batch.offsets, share)
        chart = Chart(np.empty(len(batch)), np.empty(len(batch)), np.empty(len(batch)))
        for partition in np.unique(batch.partitions).tolist():
            rows = np.flatnonzero(batch.partitions == partition)
            found = self._states[partition].chart(batch.keys[rows], batch.values[rows], marks[rows])
            for column, part in zip(chart, found, strict=True):
                column[rows] = part
            self._next[partition] = int(batch.offsets[rows[-1]]) + 1
        return Checked(marks, chart)

    def warm(self) -> None:
        """Compile or load the kernels."""
        self._detector().warm()
        chosen(np.zeros(1, np.int32), np.zeros(1, np.int64), 1.0)

    def _detector(self) -> Cusum:
        settings = self._settings
        return Cusum(settings.check_depth, settings.check_reference, settings.check_slack, settings.check_decision)


class ReadBackChecks(Checks):
    """The published system's way: no state, the values of every check are read from the store after the append."""

    def __init__(self, settings: HistorySettings, store: ReadBackStore) -> None:
        super().__init__(settings)
        self._store = store

    def check(self, batch: EventBatch, share: float) -> Checked:
        """Check a share of the events. Raises StoreAwayError, and then nothing has changed."""
        marks = chosen(batch.partitions, batch.offsets, share)
        chart = Chart(np.zeros(len(batch)), np.zeros(len(batch)), np.full(len(batch), np.nan))
        rows = np.flatnonzero(marks)
        windows = self._store.read_back(batch.keys[rows], self._settings.check_depth)
        detector = self._detector()
        for row, window in zip(rows.tolist(), windows, strict=True):
            chart.up[row], chart.down[row], chart.expected[row] = detector.of_window(window)
        for partition in np.unique(batch.partitions).tolist():
            self._next[partition] = int(batch.offsets[batch.partitions == partition][-1]) + 1
        return Checked(marks, chart)
