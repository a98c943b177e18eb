"""Maintenance windows: times at which anomalies of some keys are nobody's news."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.config_file import matches

MINUTE_MS, DAY_MS = 60_000, 86_400_000
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EPOCH_DAY = 3  # 1 January 1970 was a Thursday


@dataclass(frozen=True)
class Window:
    """One window, in event time and UTC: from one instant to another, or at a time of day on some days."""

    name: str
    keys: tuple[str, ...] = ("*",)  # patterns with * and ?
    begin: int = 0  # ms since the epoch; of a daily window, since midnight
    end: int = 0  # ms, not in it any more; of a daily window, at or below `begin` when it is past midnight
    daily: bool = False
    days: tuple[int, ...] = tuple(range(7))  # on which a daily window begins; 0: Monday

    def holds(self, key: str, at: int) -> bool:
        """Whether it is for that key at that event time (ms since the epoch, UTC)."""
        return self._covers(at) and matches(key, self.keys)

    def _covers(self, at: int) -> bool:
        if not self.daily:
            return self.begin <= at < self.end
        day, time = divmod(at, DAY_MS)
        if self.begin < self.end:
            return self.begin <= time < self.end and _weekday(day) in self.days
        begun_today = time >= self.begin and _weekday(day) in self.days
        begun_yesterday = time < self.end and _weekday(day - 1) in self.days
        return begun_today or begun_yesterday


def _weekday(day: int) -> int:
    return (day + EPOCH_DAY) % len(DAYS)
