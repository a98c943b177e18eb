"""A regional outage: all devices of one H3 cell drop, none by so much that it would be strange alone."""

from __future__ import annotations

import numpy as np

from producer.event_places import Places
from producer.event_walks import Events, Label

DROP = 3.0  # times the noise


class Outage:
    """Events of `cell` from `from_ms` on, before `to_ms`, are lower. `labels` is the one anomaly, once it has begun."""

    def __init__(self, cell: int, from_ms: int, to_ms: int, noise: float, where: Places) -> None:
        self._inside = where.cells == cell
        self._cell, self._from_ms, self._to_ms, self._drop = cell, from_ms, to_ms, DROP * noise
        self.labels: list[Label] = []

    def apply(self, events: Events) -> Events:
        """The events as they are to be sent."""
        during = (events.times_ms >= self._from_ms) & (events.times_ms < self._to_ms)
        hit = during & self._inside[events.keys]
        if not hit.any():
            return events
        first = self.labels[0].first_ms if self.labels else int(events.times_ms[hit][0])
        self.labels = [Label(self._cell, "outage", first, int(events.times_ms[hit][-1]))]
        return events._replace(values=events.values - np.where(hit, self._drop, 0.0))
