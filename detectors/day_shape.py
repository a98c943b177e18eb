"""What a day usually looks like, hour by hour, without the level that it is on; for detectors that look past it.

The mean m of every hour of a key is compared with the level L of the day that ends with it (the mean over the last 24
hours, each hour once); the shape of an hour of the day is the median of m - L over its last DAYS visits. On a line of
slope b a day m - L is the season + b/2, the same for every hour: so a rise or a fall does not become part of the shape,
however long it lasts, and one strange day does not either. It is known when three days have been compared, KNOWN_HOURS
after the key's first record; until then, and for hours that had no record, it is 0.

Hours are those of the records' own time, UTC. Records of an hour that is over change nothing; after a clock was set
back by a day or more it begins anew. State: 1.8 kB a key. Cost: 5 ns a record, 1 µs an hour.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.keyed_state import Column

Float64s = npt.NDArray[np.float64]

HOURS = 24
HOUR_MS = 3_600_000
DAYS = 7
KNOWN_HOURS = 96.0  # one day until there is a level, three to compare: a median of two follows each of them
SUM, COUNT, HOUR, FIRST = range(4)  # columns of `visit`: the hour at hand, by its number, and the key's first one
LATEST, SHAPE, VISITS, COMPARED = range(4)  # rows of a day; from COMPARED on m - L of the last visits
VISIT = Column((4,))
DAY = Column((COMPARED + DAYS, HOURS), np.float64, np.nan)


@compiled
def note(visit: Float64s, day: Float64s, time_ms: int, value: float) -> None:
    """One record of a key."""
    hour = float(time_ms // HOUR_MS)
    if visit[COUNT] == 0.0:
        visit[HOUR] = visit[FIRST] = hour
    elif hour <= visit[HOUR] - HOURS:
        day[:] = np.nan
        visit[SUM] = visit[COUNT] = 0.0
        visit[HOUR] = visit[FIRST] = hour
    elif hour < visit[HOUR]:
        return
    elif hour > visit[HOUR]:
        _close(visit, day)
        visit[SUM] = visit[COUNT] = 0.0
        visit[HOUR] = hour
    visit[SUM] += value
    visit[COUNT] += 1.0


@compiled
def _close(visit: Float64s, day: Float64s) -> None:
    """The hour at hand is over."""
    at = int(visit[HOUR]) % HOURS
    day[LATEST, at] = visit[SUM] / visit[COUNT]
    if visit[HOUR] - visit[FIRST] < HOURS:
        return
    total, hours = 0.0, 0
    for hour in range(HOURS):
        if not np.isnan(day[LATEST, hour]):
            total += day[LATEST, hour]
            hours += 1
    visits = 0.0 if np.isnan(day[VISITS, at]) else day[VISITS, at]
    day[COMPARED + int(visits) % DAYS, at] = day[LATEST, at] - total / hours
    day[VISITS, at] = visits + 1.0
    day[SHAPE, at] = np.median(day[COMPARED : COMPARED + min(int(visits) + 1, DAYS), at])


@compiled
def is_known(visit: Float64s) -> bool:
    """Whether the shape is."""
    return bool(visit[COUNT] > 0.0 and visit[HOUR] - visit[FIRST] >= KNOWN_HOURS)


@compiled
def mean_shape(day: Float64s, begin_ms: float, end_ms: float) -> float:
    """The mean of the shape from one time to another, or at the first where they are the same."""
    total, at = 0.0, begin_ms
    while True:
        hour = at // HOUR_MS
        until = min(end_ms, (hour + 1.0) * HOUR_MS)
        its = day[SHAPE, int(hour) % HOURS]
        its = 0.0 if np.isnan(its) else its
        if end_ms <= begin_ms:
            return float(its)
        total += its * (until - at)
        at = until
        if at >= end_ms:
            return float(total / (end_ms - begin_ms))
