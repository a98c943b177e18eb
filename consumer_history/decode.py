"""Records to events: the columns of a batch, whose key each event has, and what cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from h3.api import basic_int as h3

from consumer_history.settings import HistorySettings, KeyKind
from consumer_history.store import EventBatch, Float64s, Int64s
from detectors.key_table import key_ids
from kafka_cluster.codec import Columns, MetricDecoder
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.dead_letters import DeadLetter
from kafka_cluster.registry import Registry, subject_of

Bools = npt.NDArray[np.bool_]

FIELDS: dict[KeyKind, tuple[str, ...]] = {
    "id": ("value", "id"),
    "key": ("value",),
    "cell": ("value", "latitude", "longitude"),
}
WHOLE = 2**53  # up to here a whole number survives the float64 column that it is decoded into
BEYOND, NOWHERE = "id-beyond-2^53", "no-position"  # error classes of dead letters, beside those of the codec
MOST_CELLS = 1_000_000  # positions remembered
RIGHT_ANGLE, HALF_TURN = 90.0, 180.0  # degrees


@dataclass(frozen=True)
class Events:
    """Row i of `batch` is record `rows[i]` of what was consumed."""

    rows: Int64s
    batch: EventBatch
    letters: list[DeadLetter]

    def take(self, rows: npt.NDArray[np.intp] | Bools) -> Events:
        """Some of the events, and all of the letters."""
        return Events(self.rows[rows], self.batch.take(rows), self.letters)


class _Bad(NamedTuple):
    rows: Bools
    error: str
    reason: str


class EventDecoder:
    """Batches of consumed records to events."""

    def __init__(self, settings: HistorySettings, registry: Registry) -> None:
        self._kind, self._resolution = settings.history_key, settings.history_resolution
        subject = subject_of(settings.events_topic)
        self._decoder = MetricDecoder(registry, FIELDS[self._kind], subject=subject)
        self._cells: dict[complex, int] = {}

    def warm(self) -> None:
        """Compile or load the kernels."""
        self._decoder.warm()
        key_ids([b"0"])

    def decode(self, consumed: ConsumedBatch) -> Events:
        """Raises RegistryAwayError, and then nothing of the batch counts as seen."""
        columns = self._decoder.decode(consumed.values)
        letters = [consumed.dead_letter(bad.row, bad.error, bad.reason) for bad in columns.rejected]
        good = np.ones(len(columns.rows), np.bool_)
        for bad in self._bad(columns):
            found = np.flatnonzero(bad.rows & good)
            letters += [consumed.dead_letter(row, bad.error, bad.reason) for row in columns.rows[found].tolist()]
            good[found] = False
        partitions, offsets = consumed.addresses()
        rows, keys = columns.rows, self._keys(columns, consumed, good)
        batch = EventBatch(keys, columns.times_ms, columns.values[:, 0].copy(), partitions[rows], offsets[rows])
        events = Events(rows, batch, letters)
        return events if good.all() else events.take(good)

    def _bad(self, columns: Columns) -> list[_Bad]:
        """What the codec takes and the history cannot."""
        if self._kind == "id":
            ids = columns.values[:, 1]
            return [_Bad(np.abs(ids) > WHOLE, BEYOND, "field 'id': more than 2^53")]
        if self._kind == "cell":
            latitudes, longitudes = np.abs(columns.values[:, 1]), np.abs(columns.values[:, 2])
            off = (latitudes > RIGHT_ANGLE) | (longitudes > HALF_TURN)
            return [_Bad(off, NOWHERE, "latitude or longitude is off the globe")]
        return []

    def _keys(self, columns: Columns, consumed: ConsumedBatch, good: Bools) -> Int64s:
        if self._kind == "id":
            return np.where(good, columns.values[:, 1], 0.0).astype(np.int64)
        if self._kind == "key":
            return key_ids([consumed.key(row) for row in columns.rows.tolist()])
        return self._cells_of(columns.values[:, 1], columns.values[:, 2], good)

    def _cells_of(self, latitudes: Float64s, longitudes: Float64s, good: Bools) -> Int64s:
        """Shape (n,): the H3 cell of each position, 0 for what is no position."""
        places, which = np.unique(np.where(good, latitudes + 1j * longitudes, 0j), return_inverse=True)
        if len(self._cells) > MOST_CELLS:
            self._cells.clear()
        known = self._cells
        for place in places.tolist():
            if place not in known:
                known[place] = h3.latlng_to_cell(place.real, place.imag, self._resolution)
        return np.asarray([known[place] for place in places.tolist()], np.int64)[which]
