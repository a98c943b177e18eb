"""CUSUM on the last values of each key: small lasting shifts up or down, found without training.

The chart is the two-sided tabular CUSUM (Page 1954; Montgomery, Introduction to Statistical Quality Control, ch. 9):

    up_i = max(0, up_{i-1} + u_i - k)        down_i = max(0, down_{i-1} - u_i - k)        alarm when one is above h

with u_i in standard deviations, slack k = 0.5 (half of the shift to be found quickest) and decision interval h = 5.
The textbook takes mean and spread as known. Here they have to come from the same 50 values, and must not come from the
values that they judge: u_i is made in the way of the self-starting CUSUM (Hawkins 1987, Journal of Quality Technology
19). The window is the key's last `depth` values, the new one included. Its oldest `reference` values give a first mean
and spread; each later one is judged against the mean m and squared deviations M of *all* those before it in the window,
and counted in only then. With i values before x, e = (x - m) √(i/(i+1)) has the same variance for every i, and

    u = (8v+1)/(8v+3) · e / √(M/v + e²/(2v)),   v = i - 1

is a Student t of v degrees of freedom brought back to a standard normal (Wallace 1959, its logarithm taken as
ln(1+y) ≈ y/(1+y/2)). The u are then independent and nearly standard normal, whatever the key's level and spread, so k
and h keep the textbook's meaning. One value adds at most (8v+1)/(8v+3) √(2v), 9.6 in a full window of 50, and a single
spike of more than about 7 standard deviations alarms alone.

Score: c / (c + h) with c = max(up, down) after the newest value; in [0, 1), and the textbook's alarm is above 0.5. It
is 0 until a key has `reference` values before. A lasting shift alarms until the window has got used to it. Against a
spread of nothing nothing is judged: the first change of a flat series teaches and does not alarm, the second may. A
spread counts as nothing up to FLAT of the level, which is what rounding makes of a flat series.

Alarms expected in noise and delays for shifts: docs/cusum.md, by simulation; about one alarm in 430 values of noise.
State: `depth` values a key (last_values.py). Cost: about 0.2 µs a check, and 0.02 to 0.08 µs a value that is only
noted; the ring of a later record is asked for while one is judged, so that a million keys cost little more than a
thousand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.cusum_kernel import chart, chart_each, tables
from detectors.errors import DetectorError
from detectors.key_table import Int64s
from detectors.last_values import DEPTH, Float64s, LastValues, Snapshot

DETECTOR = "cusum"
REFERENCE = 25
SLACK = 0.5  # standard deviations
DECISION = 5.0  # standard deviations
THRESHOLD = 0.5  # of the score: c = h
SMALLEST_REFERENCE = 3  # two degrees of freedom

Bools = npt.NDArray[np.bool_]


class Chart(NamedTuple):
    """Where the two sums of each record stand after it; shape (n,) each."""

    up: Float64s  # standard deviations
    down: Float64s
    expected: Float64s  # mean of the reference part, in the values' unit; NaN where nothing was judged

    def scores(self, decision: float = DECISION) -> Float64s:
        """Shape (n,), in [0, 1); higher is stranger, above 0.5 is an alarm."""
        largest = np.maximum(self.up, self.down)
        return largest / (largest + decision)


class Cusum:
    """A keyed detector: the score of a record depends on the values of its key up to it, and on nothing else."""

    def __init__(
        self, depth: int = DEPTH, reference: int = REFERENCE, slack: float = SLACK, decision: float = DECISION
    ) -> None:
        """`slack` and `decision` in standard deviations. Raises DetectorError for parameters that cannot be."""
        if not SMALLEST_REFERENCE <= reference < depth:
            reason = f"must be from {SMALLEST_REFERENCE} to below the depth of {depth}, got {reference}"
            raise DetectorError("reference", reason)
        if slack < 0 or decision <= 0:
            raise DetectorError("slack and decision", f"must be >= 0 and > 0, got {slack} and {decision}")
        self.history = LastValues(depth)
        self._reference, self._slack, self._decision = reference, slack, decision
        self._tables = tables(depth)
        self._said = Chart(np.empty(0), np.empty(0), np.empty(0))

    def score(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> Float64s:
        """Shape (n,), in [0, 1); higher is stranger. Records in the order in which they came; times do not count."""
        _ = times_ms
        self._said = self.chart(keys, values)
        return self._said.scores(self._decision)

    def say(self, row: int) -> str:
        """A sentence about a record of the last batch: `is lastingly above 41.2 (CUSUM 7.3 sigma)`."""
        up, down, expected = (float(column[row]) for column in self._said)
        return f"is lastingly {'above' if up > down else 'below'} {expected:.4g} (CUSUM {max(up, down):.1f} sigma)"

    def chart(self, keys: Int64s, values: Float64s, checked: Bools | None = None) -> Chart:
        """Both sums of each record, which is then noted. Where `checked` is false the record is only noted."""
        n = len(keys)
        marks = np.ones(n, np.bool_) if checked is None else checked
        slots = self.history.slots(keys)
        out = np.empty((n, 3))
        rings, seen = self.history.rings, self.history.seen
        chart_each(rings, seen, slots, values, marks, self._reference, self._slack, self._tables, out)
        return Chart(out[:, 0], out[:, 1], out[:, 2])

    def of_window(self, window: Float64s) -> tuple[float, float, float]:
        """Up, down and expected after the last of these values, oldest first, at most `depth`; no state is used."""
        if len(window) <= self._reference:
            return 0.0, 0.0, float("nan")
        return chart(np.ascontiguousarray(window), len(window), self._reference, self._slack, self._tables)

    def warm(self) -> None:
        """Compile or load the kernels, before the first record."""
        other = Cusum(self.history.depth, self._reference)
        other.score(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1))
        other.history.push(np.zeros(1, np.int64), np.zeros(1))

    def snapshot(self) -> Snapshot:
        """What the records so far left behind."""
        return self.history.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there. Raises DetectorError for a snapshot of another depth."""
        history = LastValues.restore(snapshot)
        if history.depth != self.history.depth:
            raise DetectorError("snapshot", f"has {history.depth} values a key, not {self.history.depth}")
        self.history = history
