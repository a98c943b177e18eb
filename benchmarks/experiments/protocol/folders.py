"""Leave one folder out: a decision is chosen on some folders and judged on the one that had no say in it.

Choosing looks at the mean of a threshold and its two neighbours, not at the best single one: a peak that falls off at
once is luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from benchmarks.scorecard.corpus import Bools, Float64s
from benchmarks.scorecard.report import table
from benchmarks.scorecard.run import EVERY_ALARM, Labelled, Said, stream
from detectors.deciding import Decider, Decision
from detectors.nab_score import PROFILES, Scorer
from kafka_cluster.errors import LabError

STANDARD = PROFILES["standard"]
THRESHOLDS = tuple(round(0.7 + 0.05 * step, 2) for step in range(15))  # times the catalogue's
BOOSTS = (0.5, 1.0, 2.0)  # times the catalogue's
SMOOTHS = (0.5, 1.0, 2.0)
SEEDS = range(5)


@dataclass(frozen=True)
class Held:
    """What came of choosing among some decisions."""

    tried: int
    on_all: float  # standard score of the decision chosen on all folders, on all folders
    chosen: dict[str, Decision]  # by the folder that had no say
    held_out: float  # standard score of each folder by the decision that the others chose, together
    scores: dict[str, float]  # the same, by folder; only those with windows


def families(decision: Decision) -> dict[str, list[Decision]]:
    """The decisions to choose among: neighbours in threshold stand side by side."""
    only = [replace(decision, threshold=decision.threshold * share) for share in THRESHOLDS]
    more = [
        replace(each, boost=decision.boost * boost, smooth=decision.smooth * smooth)
        for boost, smooth in product(BOOSTS, SMOOTHS)
        for each in only
    ]
    return {"threshold": only, "threshold, boost, smoothing": more}


def leave_one_out(said: Said, labelled: Labelled, decisions: Sequence[Decision]) -> Held:
    """Choose for each folder on the others. `decisions` in groups of len(THRESHOLDS) that differ in threshold alone."""
    found = [decide(said, each) for each in decisions]
    everything = range(len(labelled.truths))
    chosen, scores, joined = {}, {}, list(found[0])
    for folder in labelled.folders():
        own = labelled.of_folder(folder)
        best = choose(labelled, found, [number for number in everything if number not in own])
        chosen[folder] = decisions[best]
        for number in own:
            joined[number] = found[best][number]
        if any(labelled.truths[number].windows for number in own):
            scores[folder] = standard(labelled, joined, own)
    on_all = standard(labelled, found[choose(labelled, found, everything)], everything)
    return Held(len(decisions), on_all, chosen, standard(labelled, joined, everything), scores)


def decide(said: Said, decision: Decision) -> list[Bools]:
    """The alarms of every series by another decision."""
    keys = [np.zeros(len(scores), np.int64) for scores in said.scores]
    return [
        Decider(decision, warm_up).alarms(key, scores)
        for key, warm_up, scores in zip(keys, said.warm_ups, said.scores, strict=True)
    ]


def choose(labelled: Labelled, found: Sequence[Sequence[Bools]], numbers: Sequence[int]) -> int:
    """Which decision has the best mean with its neighbours on these series; at the edge of a group none is chosen."""
    scores = np.array([standard(labelled, each, numbers) for each in found]).reshape(-1, len(THRESHOLDS))
    means = np.full(scores.shape, -np.inf)
    means[:, 1:-1] = (scores[:, :-2] + scores[:, 1:-1] + scores[:, 2:]) / 3
    return int(means.argmax())


def standard(labelled: Labelled, found: Sequence[Bools], numbers: Sequence[int]) -> float:
    """The standard score of every alarm in these series."""
    scorer = Scorer([labelled.truths[number] for number in numbers])
    return scorer.score_at([found[number].astype(np.float64) for number in numbers], EVERY_ALARM, STANDARD)


def folders_table(names: Sequence[str], labelled: Labelled) -> list[str]:
    """One row a detector and family of decisions. Raises LabError where there is but one folder."""
    if len(labelled.folders()) == 1:
        raise LabError(labelled.folders()[0], "the only folder, so none can be left out", "give a corpus of several")
    folders = [name for name in labelled.folders() if any(labelled.truths[n].windows for n in labelled.of_folder(name))]
    rows = []
    for name in names:
        said = stream(name, {}, labelled.series)
        for family, decisions in families(said.decision).items():
            held = leave_one_out(said, labelled, decisions)
            by_folder = [f"{held.scores[folder]:.1f} at {held.chosen[folder].threshold:.3g}" for folder in folders]
            rows.append((name, family, str(held.tried), f"{held.on_all:.1f}", f"{held.held_out:.1f}", *by_folder))
    return table(("", "chosen", "tried", "on all", "left out", *folders), rows)


def seeds_table(name: str, labelled: Labelled) -> list[str]:
    """The spread of a detector that draws lots, over SEEDS."""
    best, decided = [], []
    for seed in SEEDS:
        said = stream(name, {"seed": seed}, labelled.series)
        found = said.detections()
        best.append(Scorer(labelled.truths).score(found)["standard"].score)
        decided.append(standard(labelled, said.alarms, range(len(found))))
    rows = [(label, *_spread(values)) for label, values in (("at its best threshold", best), ("as decided", decided))]
    return table((f"{name}, {len(SEEDS)} seeds", "mean", "standard deviation", "lowest", "highest"), rows)


def _spread(values: Sequence[float]) -> tuple[str, ...]:
    each: Float64s = np.asarray(values)
    return tuple(f"{value:.1f}" for value in (each.mean(), each.std(ddof=1), each.min(), each.max()))
