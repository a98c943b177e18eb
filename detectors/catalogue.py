"""The detectors by name: how each is made, and when its score is an alarm. A new one is a file and an entry here.

An entry is made for a warm-up, the number of records of a key that may be learned from before its first score, and for
options by name. Nothing else comes in: no series, no file, no label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from detectors import (
    autoencoder,
    blind,
    cusum,
    dbscan,
    ensemble,
    one_class_svm,
    random_cut_forest,
    seasonal_esd,
    stream_forest,
    trend,
)  # fmt: skip
from detectors.deciding import Decider, Decision
from detectors.ensemble_state import Parameters
from detectors.errors import DetectorError
from detectors.last_values import DEPTH

Bools = npt.NDArray[np.bool_]
Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
Options = Mapping[str, float]
Snapshot = dict[str, npt.NDArray[Any]]

DECISION_OPTIONS = frozenset(field.name for field in fields(Decision))
ENSEMBLE_OPTIONS = frozenset(Parameters._fields) - {"warm_up"}


class Detector(Protocol):
    """Scores records of many keys; a score depends on the records of its key up to it, and on nothing else."""

    def score(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> Float64s:
        """Shape (n,), in [0, 1]; higher is stranger. Scored before learned; each key's records in order."""

    def warm(self) -> None:
        """Compile or load the kernels, before the first record."""

    def snapshot(self) -> Snapshot:
        """What the records so far left behind: arrays of numbers."""

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there."""


@dataclass(frozen=True)
class Entry:
    """One detector of the catalogue."""

    summary: str  # a line for people
    decision: Decision
    make: Callable[[int, Options], Detector]  # warm-up in records, options
    options: frozenset[str] = frozenset()  # what `make` understands


CATALOGUE: dict[str, Entry] = {
    ensemble.DETECTOR: Entry(
        "six kinds of change, each calibrated to the key's own history, summed",
        ensemble.DECISION,
        lambda warm_up, options: ensemble.Ensemble(_parameters(warm_up, options)),
        ENSEMBLE_OPTIONS,
    ),
    stream_forest.DETECTOR: Entry(
        "an Isolation Forest, grown on calm noise, over the ensemble's calibrated streams",
        stream_forest.DECISION,
        lambda warm_up, options: stream_forest.StreamForest(_parameters(warm_up, options), int(options.get("seed", 0))),
        ENSEMBLE_OPTIONS | {"seed"},
    ),
    cusum.DETECTOR: Entry(
        "a two-sided CUSUM over the last values of the key",
        Decision(cusum.THRESHOLD),
        lambda _warm_up, options: cusum.Cusum(
            int(options.get("depth", DEPTH)),
            int(options.get("reference", cusum.REFERENCE)),
            options.get("slack", cusum.SLACK),
            options.get("decision", cusum.DECISION),
        ),
        frozenset({"depth", "reference", "slack", "decision"}),
    ),
    trend.DETECTOR: Entry(
        "a steady rise or fall, and when it reaches a limit",
        trend.DECISION,
        trend.make,
        frozenset({"limit", "horizon_s"}),
    ),
    seasonal_esd.DETECTOR: Entry(
        "values far from their season, by STL and Rosner's test",
        seasonal_esd.DECISION,
        lambda warm_up, options: seasonal_esd.SeasonalEsd(warm_up, int(options.get("period", 0))),
        frozenset({"period"}),
    ),
    one_class_svm.DETECTOR: Entry(
        "windows outside a border around the usual ones",
        one_class_svm.DECISION,
        lambda warm_up, _options: one_class_svm.OneClassSvm(warm_up),
    ),
    dbscan.DETECTOR: Entry(
        "windows far from every dense region of usual ones",
        dbscan.DECISION,
        lambda warm_up, _options: dbscan.Dbscan(warm_up),
    ),
    autoencoder.DETECTOR: Entry(
        "windows that a network trained on usual ones does not give back",
        autoencoder.DECISION,
        lambda warm_up, _options: autoencoder.Autoencoder(warm_up),
    ),
    random_cut_forest.DETECTOR: Entry(
        "windows that a random cut forest would have to change much to take in, calibrated to the key",
        random_cut_forest.DECISION,
        lambda warm_up, options: random_cut_forest.RandomCutForest(warm_up, int(options.get("seed", 0))),
        frozenset({"seed"}),
    ),
    blind.DETECTOR: Entry(
        "the baseline: an alarm every 0.65 warm-ups, whatever the values",
        blind.DECISION,
        lambda warm_up, _options: blind.Blind(warm_up),
    ),
}


@dataclass(frozen=True)
class Judge:
    """A detector and its decision, as they serve live records."""

    detector: Detector
    decider: Decider

    @classmethod
    def make(cls, name: str, warm_up: int, options: Options | None = None) -> Judge:
        """The catalogue's detector of that name. Raises DetectorError for an unknown name or option."""
        entry, given = known(name), dict(options or {})
        if unknown := sorted(given.keys() - DECISION_OPTIONS - entry.options):
            can = ", ".join(sorted(DECISION_OPTIONS | entry.options))
            raise DetectorError(name, f"has no option {unknown[0]!r}", f"it has {can}")
        decision = replace(entry.decision, **{key: given.pop(key) for key in DECISION_OPTIONS & given.keys()})
        return cls(entry.make(warm_up, given), Decider(decision, warm_up))

    def judge(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> tuple[Float64s, Bools]:
        """Scores and alarms, shape (n,) each; the score of an alarm is that of the strongest record that it is for."""
        _, strengths, alarms = self.decide(keys, times_ms, values)
        return strengths, alarms

    def decide(self, keys: Int64s, times_ms: Int64s, values: Float64s) -> tuple[Float64s, Float64s, Bools]:
        """The detector's scores, the same with those of alarms as `judge` has them, and alarms; shape (n,) each."""
        scores = self.detector.score(keys, times_ms, values)
        alarms, strengths = self.decider.decide(keys, scores)
        return scores, strengths, alarms

    def warm(self) -> None:
        """Compile or load the kernels."""
        self.detector.warm()
        self.decider.warm()


def known(name: str) -> Entry:
    """The entry of that name. Raises DetectorError."""
    if name not in CATALOGUE:
        raise DetectorError(name, "no such detector", f"there are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def _parameters(warm_up: int, options: Options) -> Parameters:
    given: dict[str, Any] = {name: options[name] for name in ENSEMBLE_OPTIONS & options.keys()}
    return Parameters(warm_up=warm_up)._replace(**given)
