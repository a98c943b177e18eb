"""False alarms against misses: a forest's contamination, and the thresholds of the catalogue.

Type I is calling a normal record (or time) anomalous, type II not calling an anomaly one. The forest's contamination
says which share of its training part shall lie above the threshold, whatever is in that part: the experiment grows the
forest of `lab train` on the first 60 % of generated CloudWatch-like series and counts both errors on the rest. The
catalogue's detectors are run over the series of kinds.py, and decisions are made at thresholds from what a fifth of the
calm records reach to what none does. There the score need not fall before the next alarm (`rearm` is off): with it, a
low threshold is one endless alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import IsolationForest

from benchmarks.experiments.kinds import KINDS, WARM_UP, World, outcome, stream, world
from detectors.catalogue import CATALOGUE
from detectors.deciding import Decider
from detectors.features import engineer
from producer.generator import generate

Bools = npt.NDArray[np.bool_]
Float64s = npt.NDArray[np.float64]

CONTAMINATIONS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
TRAINED = 0.6  # share of the span, as `lab train` has it
TREES, SAMPLES = 100, 256  # of the forest, as `lab train` has them
WORLDS = 5  # generated data sets
DAYS = 28
REACHED = tuple(float(share) for share in np.geomspace(0.2, 1e-5, 24))  # by such shares of calm records: thresholds
ABOVE = 8  # thresholds between the strangest calm record and 1
AT_MOST = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)  # false alarms a week
SERIES = 8  # of each kind
REARM_OFF = 2.0


def contamination(seed: int = 0, worlds: int = WORLDS) -> list[dict[str, float]]:
    """One entry a contamination: both errors by record, and the share of anomalies of which no record is called."""
    sums = np.zeros((len(CONTAMINATIONS), 6))
    for number in range(worlds):
        sums += _one_world(1_000 * seed + number)
    return [
        {
            "contamination": share,
            "type_1": row[0] / row[1],
            "type_2": row[2] / row[3],
            "anomalies_missed": row[4] / row[5],
        }
        for share, row in zip(CONTAMINATIONS, sums.tolist(), strict=True)
    ]


def _one_world(seed: int) -> Float64s:
    """Shape (contaminations, 6): three counts, each followed by what it is a count of."""
    given = generate(seed, DAYS)
    metrics = tuple(given.values)
    x = engineer(given.times_ms, np.column_stack(list(given.values.values())), metrics, (*metrics, "off_hours"))
    split = int(TRAINED * len(x))
    forest = IsolationForest(n_estimators=TREES, max_samples=SAMPLES, random_state=seed).fit(x[:split])
    scores = -forest.score_samples(x)  # scikit-learn: lower is stranger
    anomalous = np.zeros(len(x), np.bool_)
    for each in given.anomalies:
        anomalous[each.rows] = True
    late = [each for each in given.anomalies if each.first >= split]
    rows = []
    for share in CONTAMINATIONS:
        called = scores > np.quantile(scores[:split], 1 - share)
        missed = sum(not called[each.rows].any() for each in late)
        rows.append([*errors(called[split:], anomalous[split:]), missed, len(late)])
    return np.array(rows, np.float64)


def errors(called: Bools, anomalous: Bools) -> tuple[int, int, int, int]:
    """Type I errors, normal records, type II errors, anomalous records."""
    return (
        int((called & ~anomalous).sum()),
        int((~anomalous).sum()),
        int((~called & anomalous).sum()),
        int(anomalous.sum()),
    )


def thresholds(name: str, worlds: Sequence[World]) -> list[dict[str, float]]:
    """One entry a threshold of the detector: false alarms a week of calm series, and the share of anomalies missed.

    The first is the configured decision, as it is.
    """
    decision, said = CATALOGUE[name].decision, [scores for scores, _ in stream(name, worlds)]
    tried = [replace(decision, threshold=each, rearm=REARM_OFF) for each in _range(said, worlds)]
    told = []
    for each in (decision, *tried):
        outcomes = [outcome(_alarms(each, scores), given) for given, scores in zip(worlds, said, strict=True)]
        anomalies, weeks = sum(len(its.delays) for its in outcomes), sum(its.calm_weeks for its in outcomes)
        told.append(
            {
                "threshold": each.threshold,
                "anomalies_missed": 1 - sum(its.found for its in outcomes) / anomalies,
                "false_alarms_per_week": sum(its.false_alarms for its in outcomes) / weeks,
            }
        )
    return told


def _range(said: Sequence[Float64s], worlds: Sequence[World]) -> list[float]:
    """Thresholds above 0, rising."""
    calm = [
        its[WARM_UP:begin]
        for scores, given in zip(said, worlds, strict=True)
        for its, begin in zip(scores, given.begins.tolist(), strict=True)
    ]
    joined = np.concatenate(calm)
    tried = np.concatenate([np.quantile(joined, 1 - np.array(REACHED)), np.linspace(joined.max(), 1, ABOVE)])
    return [float(each) for each in np.unique(tried[tried > 0])]


def least_missed(points: Sequence[dict[str, float]], at_most: float) -> float:
    """The least share of anomalies missed at any threshold with at most so many false alarms a week."""
    return min((its["anomalies_missed"] for its in points if its["false_alarms_per_week"] <= at_most), default=1.0)


def _alarms(decision: Any, scores: Float64s) -> Bools:
    series, n = scores.shape
    keys = np.tile(np.arange(series), n)
    return Decider(decision, WARM_UP).alarms(keys, np.ascontiguousarray(scores.T).ravel()).reshape(n, series).T


def run(names: Sequence[str] = tuple(CATALOGUE), seed: int = 0, series: int = SERIES) -> dict[str, Any]:
    """Everything that the table and the picture show."""
    worlds = [world(kind, seed, series) for kind in KINDS.values()]
    return {
        "seed": seed,
        "series": series,
        "kinds": len(KINDS),
        "days": DAYS,
        "worlds": WORLDS,
        "contamination": contamination(seed),
        "detectors": {name: thresholds(name, worlds) for name in names},
    }


def lines(told: dict[str, Any]) -> list[str]:
    """Two tables in Markdown: contamination, and each detector near its configured threshold."""
    head = f"A forest on {told['worlds']} generated data sets of {told['days']} days, counted on the last 40 %:"
    first: list[tuple[str, ...]] = [
        ("contamination", "type I, by record", "type II, by record", "anomalies missed altogether")
    ]
    first += [
        (f"{its['contamination']:g}", *(f"{its[name]:.1%}" for name in ("type_1", "type_2", "anomalies_missed")))
        for its in told["contamination"]
    ]
    tail = (
        f"Thresholds on {told['series']} series of each kind: anomalies missed by the configured decision, and by the "
    )
    tail += "best threshold with at most so many false alarms a week of a calm series:"
    second: list[tuple[str, ...]] = [
        ("", "configured: missed", "false alarms", *(f"at most {each:g}" for each in AT_MOST))
    ]
    for name, (configured, *points) in told["detectors"].items():
        best = [f"{least_missed(points, each):.0%}" for each in AT_MOST]
        its = f"{configured['anomalies_missed']:.0%}", f"{configured['false_alarms_per_week']:.2f}"
        second.append((name, *its, *best))
    return [head, "", *_table(first), "", tail, "", *_table(second)]


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    marks = ("---", *["---:"] * (len(rows[0]) - 1))
    return [f"| {' | '.join(row)} |" for row in (rows[0], marks, *rows[1:])]
