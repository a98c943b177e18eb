"""States of partitions, saved now and then: what is rebuilt begins at the newest one, not at the first event."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial

import numpy as np

from consumer_history.chunk_codec import pack_integers, pack_values, unpack_integers, unpack_values
from consumer_history.connection import Connection
from consumer_history.store import SavedState
from consumer_history.writes import Send, write_all
from detectors.last_values import Snapshot

KEYS_A_PART = 2_048  # of 50 values: 0.8 MB
KEPT = 2  # the newest, and one more for whoever reads it at this moment
HEAD = "INSERT INTO states (topic, partition, depth, offset, id, keys, parts) VALUES (?, ?, ?, ?, ?, ?, ?)"
PART = "INSERT INTO state_parts (id, part, count, keys, seen, rings) VALUES (?, ?, ?, ?, ?, ?)"
ONE = "topic = ? AND partition = ? AND depth = ?"


class SavedStates:
    """The saved states of one topic. Raises StoreAwayError."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection, self._topic = connection, topic
        self._head, self._part = connection.prepare(HEAD), connection.prepare(PART)
        self._heads = connection.prepare(f"SELECT offset, id, parts FROM states WHERE {ONE}")  # noqa: S608 - names of ours
        self._get = connection.prepare("SELECT count, keys, seen, rings FROM state_parts WHERE id = ? AND part = ?")
        self._drop_head = connection.prepare(f"DELETE FROM states WHERE {ONE} AND offset = ?")  # noqa: S608 - as above
        self._drop_part = connection.prepare("DELETE FROM state_parts WHERE id = ? AND part = ?")

    def save(self, partition: int, offset: int, state: Snapshot) -> None:
        """Parts first, then the row that makes them a state; older ones go."""
        keys, depth = state["rings"].shape
        name, parts = uuid.uuid4(), -(-keys // KEYS_A_PART)
        write_all(self._connection, self._parts(name, state))
        head = self._head.bind((self._topic, partition, depth, offset, name, keys, parts))
        write_all(self._connection, [partial(self._connection.session.execute_async, head)])
        write_all(self._connection, self._removals(partition, depth))

    def newest(self, partition: int, until: int, depth: int) -> SavedState | None:
        """The last one as of an offset up to `until`; None where there is none."""
        for offset, name, parts in self._connection.rows(self._heads, self._topic, partition, depth):
            if offset <= until and (state := self._read(name, parts, depth)) is not None:
                return SavedState(offset, state)
        return None

    def _parts(self, name: uuid.UUID, state: Snapshot) -> Iterator[Send]:
        for part, first in enumerate(range(0, len(state["keys"]), KEYS_A_PART)):
            keys, seen, rings = (state[column][first : first + KEYS_A_PART] for column in ("keys", "seen", "rings"))
            whole = (np.asarray(column, np.int64) for column in (keys, seen))
            packed = (*map(pack_integers, whole), pack_values(np.asarray(rings, np.float64).ravel()))
            bound = self._part.bind((name, part, len(keys), *packed))
            yield partial(self._connection.session.execute_async, bound)

    def _removals(self, partition: int, depth: int) -> Iterator[Send]:
        known = (self._topic, partition, depth)
        for offset, name, parts in list(self._connection.rows(self._heads, *known))[KEPT:]:
            gone = [self._drop_head.bind((*known, offset)), *(self._drop_part.bind((name, at)) for at in range(parts))]
            for bound in gone:
                yield partial(self._connection.session.execute_async, bound)

    def _read(self, name: uuid.UUID, parts: int, depth: int) -> Snapshot | None:
        """None when a part is gone: its time was up, or a newer state took its place."""
        keys, seen, rings = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty((0, depth))]
        for part in range(parts):
            row = next(self._connection.rows(self._get, name, part), None)
            if row is None:
                return None
            count, *packed = row
            keys.append(unpack_integers(packed[0], count))
            seen.append(unpack_integers(packed[1], count))
            rings.append(unpack_values(packed[2], count * depth).reshape(count, depth))
        return {"keys": np.concatenate(keys), "seen": np.concatenate(seen), "rings": np.concatenate(rings)}
