"""One real series for each detector, chosen by a rule and not by its looks.

The rule: of the series that have a labelled window, the one on which the detector's standard score, as decided, is the
lower median; of several with that score the first by folder and name.
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.scorecard.run import EVERY_ALARM, Labelled, Said, counts
from detectors.nab_score import PROFILES, Scorer


class Typical(NamedTuple):
    """The series of a detector."""

    number: int  # in the corpus
    score: float  # of the series alone, at most 100
    rank: int  # how many series have a lower score
    series: int  # with a window


def typical(said: Said, labelled: Labelled) -> Typical | None:
    """The series to look at; None where no series has a window."""
    found = said.detections()
    scores = []
    for number, truth in enumerate(labelled.truths):
        scorer = Scorer([truth])
        if scorer.windows:
            score = scorer.score_at([found[number]], EVERY_ALARM, PROFILES["standard"])
            scores.append((round(score, 6), labelled.series[number].key, number))
    if not scores:
        return None
    middle = sorted(scores)[(len(scores) - 1) // 2][0]
    _, _, number = min(each for each in scores if each[0] == middle)
    return Typical(number, middle, sum(each[0] < middle for each in scores), len(scores))


def told(said: Said, labelled: Labelled, its: Typical) -> str:
    """A line about it."""
    its_counts = counts(labelled, said.detections(), EVERY_ALARM, [its.number])
    return (
        f"{said.name}: {labelled.series[its.number].key}, standard score {its.score:.1f} ({its.rank} of {its.series} "
        f"series lower), {its_counts['found']} of {its_counts['windows']} windows found, "
        f"{its_counts['false_alarms']} false alarms"
    )
