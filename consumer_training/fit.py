"""Fitting: the Isolation Forest, its threshold, and what must hold before a model is worth anything."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from sklearn.ensemble import IsolationForest

from consumer_training.rows import Rows
from consumer_training.settings import TrainingSettings
from detectors.errors import DetectorError
from detectors.features import Float32s, check_features, engineer
from detectors.forest import FlatForest
from detectors.model import TAIL, Model
from detectors.profile import Profile
from kafka_cluster.log import get_logger

log = get_logger()


@dataclass(frozen=True)
class Fitted:
    """A model, and the scikit-learn forest that it came from."""

    model: Model
    sklearn_forest: Any
    constant_features: tuple[str, ...]

    def joblib(self) -> bytes:
        """The scikit-learn forest as bytes, for notebooks."""
        stream = io.BytesIO()
        joblib.dump(self.sklearn_forest, stream)
        return stream.getvalue()


def fit(rows: Rows, settings: TrainingSettings, created: str) -> Fitted:
    """Fit on `rows`; equal rows and settings give an equal model.

    `created` is the UTC time, such as 20140413T230400Z, that the version begins with. The threshold is the
    quantile of the training scores that leaves `training_contamination` of them above it, as scikit-learn puts it.
    Raises DetectorError for too few rows, or when every feature is constant. A constant feature among others is
    kept and named in the log and the manifest: no tree can split on it, so it has no say.
    """
    check_features(settings.features, settings.metrics)
    if len(rows) < settings.training_min_rows:
        reason = f"{len(rows)} records, at least {settings.training_min_rows} are needed (TRAINING_MIN_ROWS)"
        raise DetectorError("training part", reason, "produce more records first")
    x = engineer(rows.times_ms, rows.values, settings.metrics, settings.features)
    constant = _constant_features(x, settings.features)
    forest = IsolationForest(
        n_estimators=settings.training_trees,
        max_samples=min(settings.training_samples, len(x)),
        contamination=settings.training_contamination,
        random_state=settings.training_seed,
    ).fit(x)
    flat = FlatForest.from_sklearn(forest)
    scores = flat.score(x)
    model = Model(
        metrics=settings.metrics,
        features=settings.features,
        forest=flat,
        profile=Profile.learn(rows.times_ms, rows.values),
        threshold=-float(forest.offset_),  # scikit-learn: lower is stranger
        top_score=float(scores.max()),
        version=f"{created}-{_digest(flat)}",
        tail=np.sort(scores)[-TAIL:],
        rows=len(scores),
    )
    return Fitted(model, forest, constant)


def _constant_features(x: Float32s, features: tuple[str, ...]) -> tuple[str, ...]:
    constant = tuple(name for column, name in enumerate(features) if np.ptp(x[:, column]) == 0)
    if len(constant) == len(features):
        raise DetectorError("training part", f"every feature is constant ({', '.join(features)})", "check the source")
    if constant:
        log.warning("constant features have no say", features=list(constant))
    return constant


def _digest(forest: FlatForest) -> str:
    """8 hexadecimal digits of the forest's content, so that a version names one model only."""
    digest = hashlib.sha256()
    for array in forest.arrays().values():
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:8]
