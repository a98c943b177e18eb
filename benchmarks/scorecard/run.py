"""Streaming a corpus through detectors, and holding what they said against the labels.

The labels are opened when every detector is done. A detector gets the records of a series in batches, under the key 0,
from the same classes that serve live records; it never learns which series it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from benchmarks.scorecard.corpus import Bools, Float64s, Series
from detectors.catalogue import DECISION_OPTIONS, Judge, Options, known
from detectors.deciding import Decider, Decision
from detectors.nab_score import PROFILES, Scorer, Truth, probation, truth
from kafka_cluster.dataset import Window

BATCH = 1_000  # records
SHORTEST = 32  # records of warm-up, however short the series
MOVED = (0.9, 1.1)  # times the threshold: how sharp it is
EVERY_ALARM = 1e-12  # as a threshold: what was decided stands


@dataclass(frozen=True, eq=False)
class Said:
    """What one detector said about every series."""

    name: str
    decision: Decision
    scores: list[Float64s]
    strengths: list[Float64s]  # the scores, those of alarms as they are published
    alarms: list[Bools]
    warm_ups: list[int]  # records
    records_per_s: float

    def detections(self) -> list[Float64s]:
        """The score of each alarm, 0 elsewhere: what the benchmark's scorer is given."""
        return [np.where(alarms, scores, 0.0) for scores, alarms in zip(self.strengths, self.alarms, strict=True)]


@dataclass(frozen=True, eq=False)
class Labelled:
    """A corpus with its labels, worked out once."""

    series: Sequence[Series]
    truths: list[Truth]

    @classmethod
    def of(cls, series: Sequence[Series], windows: Mapping[str, Sequence[Window]]) -> Labelled:
        """Label every series; one that `windows` does not name has none."""
        return cls(series, [truth(each.times_ms, windows.get(each.key, ())) for each in series])

    def folders(self) -> list[str]:
        """The names of the folders, in order."""
        return sorted({each.folder for each in self.series})

    def of_folder(self, folder: str) -> list[int]:
        """The numbers of its series."""
        return [number for number, each in enumerate(self.series) if each.folder == folder]


def stream(
    name: str, options: Options, series: Sequence[Series], batch: int = BATCH, warm_up: int | None = None
) -> Said:
    """Give every record of every series to the detector, in order; nothing else is given to it but its warm-up."""
    warm_ups = [warm_up or warm_up_of(each) for each in series]
    Judge.make(name, warm_ups[0], options).warm()
    scores, strengths, alarms, taken_s = [], [], [], 0.0
    for each, its in zip(series, warm_ups, strict=True):
        judge = Judge.make(name, its, options)
        n = len(each.values)
        values = (
            each.values.copy()
        )  # a corpus is read-only, records that come are not: the kernels are compiled for those
        keys, said, strong, decided = np.zeros(n, np.int64), np.empty(n), np.empty(n), np.empty(n, np.bool_)
        started = process_time()
        for first in range(0, n, batch):
            part = slice(first, first + batch)
            said[part], strong[part], decided[part] = judge.decide(keys[part], each.times_ms[part], values[part])
        taken_s += process_time() - started
        scores.append(said)
        strengths.append(strong)
        alarms.append(decided)
    return Said(name, decision_of(name, options), scores, strengths, alarms, warm_ups, sum(map(len, scores)) / taken_s)


def warm_up_of(series: Series) -> int:
    """Records that a detector may learn from before it is scored: the benchmark's probation, and never none."""
    return max(SHORTEST, probation(len(series.values)))


def decision_of(name: str, options: Options) -> Decision:
    """The decision of a detector with these options."""
    given: dict[str, Any] = {key: options[key] for key in DECISION_OPTIONS & options.keys()}
    return replace(known(name).decision, **given)


def hold(said: Said, labelled: Labelled) -> dict[str, Any]:
    """Everything that the scorecard tells of one detector, as `--json` prints it."""
    found = said.detections()
    whole = Scorer(labelled.truths)
    best = whole.score(found)
    at = {name: score.threshold for name, score in best.items()}
    told: dict[str, Any] = {name: round(score.score, 3) for name, score in best.items()}
    told |= {"threshold": at["standard"], "decision_threshold": said.decision.threshold}
    told |= counts(labelled, found, at["standard"], range(len(found)))
    told["as_decided"] = round(whole.score_at(found, EVERY_ALARM, PROFILES["standard"]), 3)
    told["threshold_moved"] = {f"{share:g}": moved(said, labelled, share) for share in MOVED}
    told["records_per_s"] = round(said.records_per_s)
    told["folders"] = {name: _folder(labelled, found, at, labelled.of_folder(name)) for name in labelled.folders()}
    return told


def moved(said: Said, labelled: Labelled, share: float) -> float:
    """The standard score of what would have been decided at so many times the threshold; every alarm counts."""
    decision = replace(said.decision, threshold=share * said.decision.threshold)
    found = []
    for warm_up, scores in zip(said.warm_ups, said.scores, strict=True):
        decider = Decider(decision, warm_up)
        found.append(np.where(decider.alarms(np.zeros(len(scores), np.int64), scores), scores, 0.0))
    return round(Scorer(labelled.truths).score_at(found, EVERY_ALARM, PROFILES["standard"]), 3)


def _folder(
    labelled: Labelled, found: list[Float64s], at: Mapping[str, float], numbers: Sequence[int]
) -> dict[str, Any]:
    scorer, its = Scorer([labelled.truths[n] for n in numbers]), [found[n] for n in numbers]
    scores = {
        name: round(scorer.score_at(its, at[name], profile), 3) if scorer.windows else None
        for name, profile in PROFILES.items()
    }
    return scores | counts(labelled, found, at["standard"], numbers)


def counts(labelled: Labelled, found: Sequence[Float64s], threshold: float, numbers: Sequence[int]) -> dict[str, Any]:
    """Windows and alarms of some series: a window is found by any alarm in it, an alarm outside all is false.

    The probation is not counted. Delays are from a window's first record to its first alarm; days are those of all
    series together.
    """
    windows, hits, false, days, records, delays = 0, 0, 0, 0.0, 0, []
    for number in numbers:
        its, series = labelled.truths[number], labelled.series[number]
        rows = np.flatnonzero(found[number] >= threshold)
        rows = rows[rows >= its.probation]
        inside = its.window[rows]
        firsts = {int(window): int(rows[inside == window][0]) for window in np.unique(inside[inside >= 0])}
        windows, hits, false = windows + its.windows, hits + len(firsts), false + int((inside < 0).sum())
        delays += [
            (series.times_ms[row] - series.times_ms[its.starts[window]]) / 1000 for window, row in firsts.items()
        ]
        days += series.days * (1 - its.probation / len(series.values))
        records += len(series.values)
    return {
        "records": records, "windows": windows, "found": hits, "missed": windows - hits, "false_alarms": false,
        "false_alarms_per_day": round(false / days, 4) if days else None,
        "median_delay_s": median(map(float, delays)) if delays else None,
        "precision": round(hits / (hits + false), 4) if hits + false else None,
        "recall": round(hits / windows, 4) if windows else None,
    }  # fmt: skip
