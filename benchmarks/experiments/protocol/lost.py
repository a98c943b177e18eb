"""Where the points of a detector are lost: windows missed, false alarms, and finding a window late."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.scorecard.corpus import Bools
from benchmarks.scorecard.report import table
from benchmarks.scorecard.run import Labelled, stream
from detectors.nab_score import PROFILES, Truth

STANDARD = PROFILES["standard"]
WORST = 6  # series that are named


def lost_table(name: str, labelled: Labelled) -> list[str]:
    """One row a folder, one for each of the worst series, in points of the standard score over the whole corpus."""
    said = stream(name, {}, labelled.series)
    windows = sum(each.windows for each in labelled.truths)
    lost = np.array([points(each, alarms, windows) for each, alarms in zip(labelled.truths, said.alarms, strict=True)])
    rows = [("all", *_cells(lost, range(len(lost))))]
    rows += [(folder, *_cells(lost, labelled.of_folder(folder))) for folder in labelled.folders()]
    worst = np.argsort(-lost.sum(axis=1))[:WORST]
    rows += [(labelled.series[number].name, *_cells(lost, [int(number)])) for number in worst]
    return table((f"{name}, points lost to", "missed windows", "false alarms", "lateness", "together"), rows)


def points(truth: Truth, alarms: Bools, windows: int) -> tuple[float, float, float]:
    """Points of 100 lost in one series by windows missed, false alarms and lateness; `windows` are the corpus's."""
    rows = np.flatnonzero(alarms)
    rows = rows[rows >= truth.probation]
    at, worth = truth.window[rows], truth.worth[rows]
    best = [worth[at == number].max() for number in range(truth.windows) if (at == number).any()]
    whole = (STANDARD.tp + STANDARD.fn) * windows
    missed = (truth.windows - len(best)) * (STANDARD.tp + STANDARD.fn)
    false = -STANDARD.fp * float(worth[at < 0].sum())
    late = STANDARD.tp * sum(1.0 - float(each) for each in best)
    return 100 * missed / whole, 100 * false / whole, 100 * late / whole


def _cells(lost: np.ndarray[tuple[int, ...], np.dtype[np.float64]], numbers: Sequence[int]) -> tuple[str, ...]:
    sums = lost[list(numbers)].sum(axis=0)
    return tuple(f"{value:.1f}" for value in (*sums, sums.sum()))
