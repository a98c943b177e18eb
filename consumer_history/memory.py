"""A store in memory, for tests: it keeps the promises of the others, as long as the process lives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from consumer_history.store import EventBatch, SavedState, StoreAwayError
from detectors.last_values import Snapshot


class MemoryStore:
    """All events of all partitions. `away` makes it refuse. It grows for ever."""

    def __init__(self) -> None:
        self.away = False
        self.rows = 0
        self._states: dict[tuple[int, int, int], Snapshot] = {}
        self._log: dict[int, list[EventBatch]] = {}

    def append(self, batch: EventBatch) -> None:
        """Keep the batch. Raises StoreAwayError."""
        self._must_answer()
        self.rows += len(batch)
        for partition, part in batch.by_partition():
            self._log.setdefault(partition, []).append(part)

    def last(
        self,
        until: Mapping[int, int],
        depth: int,  # noqa: ARG002 - more may be given
        since: Mapping[int, int] | None = None,
    ) -> Iterator[EventBatch]:
        """Every event below `until`, each once. Raises StoreAwayError."""
        self._must_answer()
        for partition, end in until.items():
            if partition not in self._log:
                continue
            log = joined(self._log[partition])
            _, first = np.unique(log.offsets, return_index=True)  # in order, and of each offset the first that came
            offsets = log.offsets[first]
            found = log.take(first[(offsets >= (since or {}).get(partition, 0)) & (offsets < end)])
            if len(found):
                yield found

    def save(self, partition: int, offset: int, state: Snapshot) -> None:
        """Keep every state. Raises StoreAwayError."""
        self._must_answer()
        self._states[partition, state["rings"].shape[1], offset] = state

    def saved(self, partition: int, until: int, depth: int) -> SavedState | None:
        """The newest one up to `until`. Raises StoreAwayError."""
        self._must_answer()
        fit = [key for key in self._states if key[:2] == (partition, depth) and key[2] <= until]
        return SavedState(max(fit)[2], self._states[max(fit)]) if fit else None

    def close(self) -> None:
        """Nothing to give back."""

    def _must_answer(self) -> None:
        if self.away:
            raise StoreAwayError("history in memory", "is away")


def joined(parts: list[EventBatch]) -> EventBatch:
    """At least one batch, as one."""
    return EventBatch(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))
