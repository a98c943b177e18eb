"""Detectors of others on the same series, by the scores that they published for every record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.scorecard.corpus import Float64s
from benchmarks.scorecard.report import table
from benchmarks.scorecard.run import Labelled, counts
from detectors.nab_score import PROFILES, Scorer
from kafka_cluster.errors import LabError


def reference_table(folder: Path, labelled: Labelled) -> list[str]:
    """One row for each folder in `folder`: its detector at its best threshold. Raises LabError where a file lacks."""
    rows, scorer = [], Scorer(labelled.truths)
    for detector in sorted(each for each in folder.iterdir() if each.is_dir()):
        found = [_scores(detector / f"{series.key}.gz", len(series.values)) for series in labelled.series]
        best = scorer.score(found)
        told = counts(labelled, found, best["standard"].threshold, range(len(found)))
        scores = [f"{best[name].score:.1f}" for name in PROFILES]
        rows.append((detector.name, *scores, f"{told['found']} of {told['windows']}"))
    return table(("", "standard", "low FP", "low FN", "windows found"), rows)


def _scores(file: Path, records: int) -> Float64s:
    try:
        scores = pd.read_csv(file)["anomaly_score"].to_numpy(np.float64)
    except (OSError, ValueError, KeyError) as error:
        raise LabError(str(file), f"no per-record scores ({error})", "each series needs its own") from None
    if len(scores) != records:
        raise LabError(str(file), f"has {len(scores)} records, the series {records}")
    return scores
