"""Dead letters, counted by cause, and the newest of them. The records themselves stay where they are."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass

from kafka_cluster.letters import Letter

SHOWN = 50
OFFSETS_KEPT = 100_000


@dataclass(frozen=True)
class LetterShown:
    """One dead letter, for the eye."""

    address: str  # where the record came from: topic/partition/offset
    error: str
    reason: str
    died_ms: int
    size_bytes: int


class LetterBox:
    """What the dead-letters topic holds. One partition, as the lab makes it; of others each counts by itself."""

    def __init__(self) -> None:
        self.total = 0
        self.by_error: Counter[str] = Counter()
        self.newest: deque[LetterShown] = deque(maxlen=SHOWN)
        self._offsets: dict[int, deque[int]] = {}

    def put(self, letter: Letter) -> None:
        """Take one in."""
        self.total += 1
        self.by_error[letter.dead.error] += 1
        size = len(letter.dead.value or b"")
        self.newest.append(LetterShown(letter.address, letter.dead.error, letter.dead.reason, letter.died_ms, size))
        self._offsets.setdefault(letter.partition, deque(maxlen=OFFSETS_KEPT)).append(letter.offset)

    def open_after(self, replayed: dict[int, int]) -> int:
        """How many nobody has sent back yet; `replayed` are the next offsets of the group that does."""
        return sum(
            len(offsets) - bisect_left(offsets, replayed.get(number, 0)) for number, offsets in self._offsets.items()
        )
