"""The series of each key, for as many keys as memory is set aside for; the one not heard of for longest gives way."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dashboard.ring import Points, Ring

Order = Literal["name", "anomalies", "records", "recent"]


@dataclass
class KeySeries:
    """What is known of one key."""

    ring: Ring
    partition: int
    last_ms: int = 0  # event time of its newest record
    seen_s: float = 0.0  # when that came, seconds since the epoch
    anomalies: int = 0

    @property
    def records(self) -> int:
        """How many of its records were looked at."""
        return self.ring.total


class KeyTable:
    """Series by key. `forgotten` counts keys that gave way."""

    def __init__(self, keys: int, points: int, metrics: int) -> None:
        self._limit, self._points, self._metrics = keys, points, metrics
        self._series: OrderedDict[str, KeySeries] = OrderedDict()
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._series)

    def get(self, key: str) -> KeySeries | None:
        """The series of a key, if it is kept."""
        return self._series.get(key)

    def take(self, keys: Sequence[str], partitions: Sequence[int], points: Points, now_s: float) -> None:
        """Take in one point for each entry of `keys`, which may repeat."""
        rows: dict[str, list[int]] = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        for key, mine in rows.items():
            series = self._of(key, partitions[mine[-1]])
            own = points.at(np.asarray(mine, dtype=np.int64))
            series.ring.append(own)
            series.last_ms, series.seen_s = int(own.times_ms[-1]), now_s

    def count_anomaly(self, key: str) -> None:
        """An anomaly of that key was published."""
        if (series := self._series.get(key)) is not None:
            series.anomalies += 1

    def find(self, search: str, order: Order, limit: int) -> tuple[list[tuple[str, KeySeries]], int]:
        """The first `limit` keys that contain `search` in any case, and how many do in all."""
        wanted = search.casefold()
        found = [(key, series) for key, series in self._series.items() if wanted in key.casefold()]
        if order == "name":
            found.sort(key=lambda one: _natural(one[0]))
        else:
            field = {"anomalies": "anomalies", "records": "records", "recent": "seen_s"}[order]
            found.sort(key=lambda one: (-getattr(one[1], field), _natural(one[0])))
        return found[:limit], len(found)

    def _of(self, key: str, partition: int) -> KeySeries:
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= self._limit:
                self._series.popitem(last=False)
                self.forgotten += 1
            series = self._series[key] = KeySeries(Ring(self._points, self._metrics), partition)
        self._series.move_to_end(key)
        series.partition = partition
        return series


def _natural(key: str) -> tuple[tuple[int, str], ...]:
    """So that host-2 comes before host-10."""
    parts: list[str] = []
    for character in key:
        if parts and parts[-1][-1].isdigit() == character.isdigit():
            parts[-1] += character
        else:
            parts.append(character)
    return tuple((len(part), part) if part.isdecimal() else (0, part) for part in parts)
