"""Pace: when a record is due, in seconds after the start of the replay."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """So many records a second, or event time so many times faster, or (neither) everything at once."""

    rate: float | None = None  # records/s
    speed: float | None = None  # event seconds in a real second

    def due_s(self, index: int, elapsed_event_ms: int) -> float:
        """Seconds from the start until the record with that index, that far in event time, is to go out."""
        if self.rate is not None:
            return index / self.rate
        if self.speed is not None:
            return elapsed_event_ms / 1000 / self.speed
        return 0.0
