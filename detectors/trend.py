"""Trend: a level that rises or falls steadily, how sure that is, and when it will reach a limit.

The last PANES groups of records (a warm-up together) are averaged. Over these averages v_1 … v_n with mean times t_i:

    slope  Theil-Sen: the median of (v_j - v_i) / (t_j - t_i) over all i < j; up to 29 % outliers do not move it
    S      Mann-Kendall: how many pairs i < j rise, less how many fall
    z      (|S| - 1) / √(var(S) · a), with the sign of S; var(S) corrected for ties

a (at least 1) allows for averages that depend on their forerunners: it is Hamed and Rao's sum over the autocorrelations
of the ranks of what the line leaves over, up to the first that is not positive, each put up by what fitting a line
takes away from it. That keeps level shifts and most of a random walk, whose leftovers wander, from being called trends.
Sen 1968, JASA 63; Mann 1945, Econometrica 13; Hamed and Rao 1998, Journal of Hydrology 204.

A daily cycle is taken out of the averages first, as soon as it is known: the mean of the key's usual day
(day_shape.py) over the time that an average is of. So the slope of the residual is tested, and only a limit that the
level reaches, less the cycle, counts. Nearer to a seasonal Mann-Kendall test (Hirsch, Slack and Smith, Water Resources
Research 18, 1982) there would be as many values to compare as there are days, too few for a leak of two days.

Score: |z| / (|z| + 4.5), in [0, 1); the alarm is above 0.5. With a `limit` a trend scores only if it leads there within
`horizon_s`: from the newest average on the line, at the slope, in the records' own time. Until a key has been seen for
four days its cycle is not known, and a warm-up shorter than a day may take the morning for a trend.

Above 0.5 in noise: never in 100,000 groups simulated, with a daily cycle or without; in a random walk at one group in
200. A rise by 2 standard deviations of the noise within the window is always found, by 1 in half of the series. State:
2.6 kB a key. Cost: 0.03 µs a record, and 8 µs a group.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from detectors import day_shape
from detectors.compiled import compiled
from detectors.config_file import shown_ms
from detectors.day_shape import is_known, mean_shape
from detectors.deciding import Decision
from detectors.errors import DetectorError
from detectors.keyed_state import Column, KeyedState, Snapshot

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

DETECTOR = "trend"
PANES = 24
SURE = 4.5  # standard deviations
DECISION = Decision(threshold=0.5)
HORIZON_S = 86_400.0
VALUES, TIMES, COUNT, CLOSED, BEGIN = range(
    5
)  # of `open`: sums, count and first time of the group at hand; groups so far
MEAN, TIME, FROM, UNTIL = range(4)  # columns of `panes`: an average, its mean time, and what time it is of
Z, SLOPE, LEVEL, ETA = range(4)  # columns of `found`; slope a ms, level at the newest group, ms until the limit
HOUR_MS = 3_600_000


class Trend:
    """A keyed detector of steady change."""

    def __init__(self, warm_up: int, limit: float = np.nan, horizon_s: float = HORIZON_S) -> None:
        """`warm_up` in records: how far back it looks; `limit` in the values' unit."""
        if warm_up < PANES or horizon_s <= 0:
            reason = f"needs a warm-up of {PANES} records or more and a horizon above 0, got {warm_up}, {horizon_s}"
            raise DetectorError(DETECTOR, reason)
        self._group, self._limit, self._horizon_ms = warm_up // PANES, limit, horizon_s * 1_000
        self._state = KeyedState(
            open=Column((5,)), panes=Column((PANES, 4)), found=Column((4,)), visit=day_shape.VISIT, day=day_shape.DAY
        )
        self._said = np.empty((0, 4))

    def score(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> Float64s:
        """Shape (n,), in [0, 1); higher is steadier. It changes when a group of records is full."""
        slots = self._state.slots(keys)
        self._said = np.empty((len(slots), 4))
        state = self._state
        trend_each(
            state["open"], state["panes"], state["found"], state["visit"], state["day"],
            slots, times_ms, values, self._group, self._limit, self._said,
        )  # fmt: skip
        sure = np.abs(self._said[:, Z])
        if not np.isnan(self._limit):
            sure = np.where(self._said[:, ETA] <= self._horizon_ms, sure, 0.0)
        scores: Float64s = sure / (sure + SURE)
        return scores

    def say(self, row: int) -> str:
        """A sentence about a record of the last batch: `rises by 2.1 an hour; reaches 100 in about 14h`."""
        _, slope, _, eta_ms = self._said[row].tolist()
        text = f"{'rises' if slope > 0 else 'falls'} by {abs(slope) * HOUR_MS:.3g} an hour"
        if np.isfinite(eta_ms):
            hours = max(1, round(eta_ms / HOUR_MS))
            text += f"; reaches {self._limit:g} in about {shown_ms(hours * HOUR_MS)}"
        return text

    def warm(self) -> None:
        """Compile or load the kernels."""
        other = Trend(PANES)
        other.score(np.zeros(2 * PANES, np.int64), np.arange(2 * PANES), np.arange(2 * PANES, dtype=np.float64) % 7)

    def snapshot(self) -> Snapshot:
        """What the records so far left behind."""
        return self._state.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there."""
        self._state.restore(snapshot)


@compiled
def trend_each(
    opened: Float64s,
    panes: Float64s,
    found: Float64s,
    visits: Float64s,
    days: Float64s,
    slots: Int64s,
    times_ms: Int64s,
    values: Float64s,
    group: int,
    limit: float,
    out: Float64s,
) -> None:
    """For n records in order: add each to its key's group; a group that is full is a new average, and a new trend."""
    for row in range(len(slots)):
        slot = slots[row]
        its, time = opened[slot], times_ms[row]
        day_shape.note(visits[slot], days[slot], time, values[row])
        if its[COUNT] == 0.0:
            its[BEGIN] = time
        its[VALUES] += values[row]
        its[TIMES] += time
        its[COUNT] += 1.0
        if its[COUNT] >= group:
            newest = _close(its, panes[slot], time)
            if its[CLOSED] >= PANES:
                _fit(panes[slot], newest, visits[slot], days[slot], found[slot])
        out[row] = found[slot]
        slope, away = found[slot, SLOPE], limit - found[slot, LEVEL]
        out[row, ETA] = away / slope if slope * away > 0.0 else np.inf


@compiled
def _close(its: Float64s, ring: Float64s, time_ms: int) -> int:
    """The group at hand is full, with this record as its last; returns the row of the ring that it becomes."""
    newest, count = int(its[CLOSED]) % len(ring), its[COUNT]
    pane = ring[newest]
    pane[MEAN], pane[TIME], pane[FROM] = its[VALUES] / count, its[TIMES] / count, its[BEGIN]
    # A record stands for the time until the next one: as long as between those of the group.
    pane[UNTIL] = its[BEGIN] + (time_ms - its[BEGIN]) * count / max(1.0, count - 1.0)
    its[CLOSED] += 1.0
    its[VALUES] = its[TIMES] = its[COUNT] = 0.0
    return newest


@compiled
def _fit(ring: Float64s, newest: int, visit: Float64s, day: Float64s, found: Float64s) -> None:
    """The trend of a ring of averages, of which `newest` is the last, less what the day usually looks like."""
    n, cyclic = len(ring), is_known(visit)
    v, t = np.empty(n), np.empty(n)
    for at in range(n):
        pane = ring[(newest + 1 + at) % n]
        v[at], t[at] = pane[MEAN], pane[TIME]
        if cyclic:
            v[at] -= mean_shape(day, pane[FROM], pane[UNTIL])
    slopes = np.empty(n * (n - 1) // 2)
    s, at = 0, 0
    for i in range(n):
        for j in range(i + 1, n):
            s += int(v[j] > v[i]) - int(v[j] < v[i])
            slopes[at] = (v[j] - v[i]) / (t[j] - t[i]) if t[j] != t[i] else 0.0
            at += 1
    slope = np.median(slopes)
    left = v - slope * (t - t[-1])
    spread = _variance(v) * _inflation(left)
    found[SLOPE], found[LEVEL] = slope, np.median(left)
    found[Z] = 0.0
    if spread > 0.0 and abs(s) > 1:
        found[Z] = (s - 1) / np.sqrt(spread) if s > 0 else (s + 1) / np.sqrt(spread)


@compiled
def _variance(v: Float64s) -> float:
    """Of Mann-Kendall's S without a trend, corrected for ties."""
    n = len(v)
    ordered = np.sort(v)
    total, same = float(n * (n - 1) * (2 * n + 5)), 1
    for at in range(1, n + 1):
        if at < n and ordered[at] == ordered[at - 1]:
            same += 1
        else:
            total -= same * (same - 1) * (2 * same + 5)
            same = 1
    return total / 18.0


@compiled
def _inflation(left: Float64s) -> float:
    """How much more S varies because neighbours are alike; 1 or more."""
    n = len(left)
    ranks = np.empty(n)
    for at in range(n):
        ranks[at] = (left < left[at]).sum() + 0.5 * (left == left[at]).sum()
    ranks -= ranks.mean()
    power = (ranks * ranks).sum()
    more = 0.0
    if power > 0.0:
        for lag in range(1, n // 2):
            alike = (ranks[lag:] * ranks[: n - lag]).sum() / power
            alike = min(1.0, alike + (2.0 + 4.0 * alike) / n)  # what fitting a line takes away from it
            if alike <= 0.0:
                break
            more += (n - lag) * (n - lag - 1) * (n - lag - 2) * alike
    return float(1.0 + 2.0 / (n * (n - 1) * (n - 2)) * more)


def make(warm_up: int, options: Any) -> Trend:
    """For the catalogue."""
    return Trend(warm_up, options.get("limit", np.nan), options.get("horizon_s", HORIZON_S))
