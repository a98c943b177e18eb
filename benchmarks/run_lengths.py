"""Average run lengths of the CUSUM: `python -m benchmarks.run_lengths` writes the tables of docs/cusum.md.

Three ways that have nothing in common: the published figures, the Markov chain of Brook and Evans (1972), and
simulation. The windowed form is the production detector itself, one key a run.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled
from detectors.cusum import DECISION, REFERENCE, SLACK, Cusum
from detectors.last_values import DEPTH

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

SHIFTS = (0.0, 0.5, 1.0, 2.0, 3.0)  # standard deviations
# Two-sided, k = 0.5, h = 5: Montgomery, Introduction to Statistical Quality Control, table 9.3.
PUBLISHED = {0.0: 465.0, 0.5: 38.0, 1.0: 10.4, 2.0: 4.01, 3.0: 2.57}
STATES = 400
RUNS = 20_000
WINDOWED_RUNS = 4_000
LONGEST = 20_000  # values; a run that has not ended by then counts as so long
WITHIN = DEPTH - REFERENCE  # values after a shift until all it is judged against may be shifted too
PAGE = Path(__file__).resolve().parents[1] / "docs" / "cusum.md"
BEGIN, END = "<!-- python -m benchmarks.run_lengths: begin -->", "<!-- end -->"


@compiled
def classic_run_lengths(runs: int, shift: float, slack: float, decision: float, seed: int) -> Int64s:
    """Shape (runs,): values until the two-sided chart with known mean and spread alarms, from zero."""
    np.random.seed(seed)  # noqa: NPY002 - the generator that numba compiles
    lengths = np.empty(runs, np.int64)
    for run in range(runs):
        up = down = 0.0
        length = 0
        while up <= decision and down <= decision:
            z = np.random.normal() + shift  # noqa: NPY002 - as above
            up, down = max(0.0, up + z - slack), max(0.0, down - z - slack)
            length += 1
        lengths[run] = length
    return lengths


def one_sided(shift: float, slack: float = SLACK, decision: float = DECISION, states: int = STATES) -> float:
    """Average run length of the upper sum, by the Markov chain over `states` intervals of it. Brook and Evans 1972."""
    from scipy.stats import norm  # noqa: PLC0415 - slow to import, and needed by nothing else here

    width = 2 * decision / (2 * states - 1)
    middle = width * np.arange(states)
    edges = middle[None, :] + width / 2 + slack - shift - middle[:, None]
    below = norm.cdf(edges)
    chain = np.diff(below, axis=1, prepend=0.0)
    return float(np.linalg.solve(np.eye(states) - chain, np.ones(states))[0])


def two_sided(shift: float) -> float:
    """The rates of both sides add up (Kemp 1961), exactly so for this chart."""
    return 1 / (1 / one_sided(shift) + 1 / one_sided(-shift))


@dataclass(frozen=True)
class Windowed:
    """Of many keys: values until the first alarm, LONGEST where there was none."""

    lengths: Int64s

    @property
    def average(self) -> float:
        """Average run length."""
        return float(self.lengths.mean())

    def within(self, values: int) -> float:
        """Share of the runs that alarmed within so many values."""
        return float((self.lengths <= values).mean())


def windowed_run_lengths(shift: float, runs: int = WINDOWED_RUNS, longest: int = LONGEST, seed: int = 1) -> Windowed:
    """`runs` keys with a full window of standard normal values, then shifted ones until each has alarmed.

    A key that alarms on the last value before the shift is left out, as it would be on a chart.
    """
    random = np.random.default_rng(seed)
    detector, keys = Cusum(), np.arange(runs)
    for _ in range(DEPTH - 1):
        detector.history.push(keys, random.normal(size=runs))
    calm = detector.score(keys, keys, random.normal(size=runs)) <= 0.5  # noqa: PLR2004 - the threshold of the score
    left, lengths = keys[calm], np.full(runs, longest)
    for length in range(1, longest + 1):
        chart = detector.chart(left, random.normal(size=len(left)) + shift)
        alarmed = np.maximum(chart.up, chart.down) > DECISION
        lengths[left[alarmed]] = length
        left = left[~alarmed]
        if len(left) == 0:
            break
    return Windowed(lengths[calm])


def table() -> str:
    """The table of the page, in Markdown."""
    names = ["shift, \N{GREEK SMALL LETTER SIGMA}", "published", "Markov chain", f"simulated, {RUNS:,} runs"]
    names += [f"window of {DEPTH}: average", f"alarm within {WITHIN} values", f"within {DEPTH}"]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for shift in SHIFTS:
        classic = classic_run_lengths(RUNS, shift, SLACK, DECISION, 1).mean()
        windowed = windowed_run_lengths(shift)
        lines.append(
            f"| {shift:g} | {PUBLISHED[shift]:g} | {two_sided(shift):.2f} | {classic:.2f} | {windowed.average:.1f} | "
            f"{windowed.within(WITHIN):.1%} | {windowed.within(DEPTH):.1%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Write the table into the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")
    sys.stderr.write(f"{PAGE.name} written\n")


if __name__ == "__main__":
    main()
