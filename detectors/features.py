"""Features: the metrics of a record and what its instant says about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from detectors.errors import DetectorError

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

MS_PER_HOUR = 3_600_000
MS_PER_DAY = 24 * MS_PER_HOUR
OFFICE_OPENS, OFFICE_CLOSES = 8, 18  # hours, UTC; the closing hour is still office time
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday, and Monday is 0


def hour(times_ms: Int64s) -> Int64s:
    """Hour of the day, 0 to 23, UTC."""
    return times_ms % MS_PER_DAY // MS_PER_HOUR


def off_hours(times_ms: Int64s) -> Int64s:
    """1 before 8:00 and from 19:00 on, else 0; UTC. The published tutorial calls this its business hour."""
    hours = hour(times_ms)
    return ((hours < OFFICE_OPENS) | (hours > OFFICE_CLOSES)).astype(np.int64)


def day_of_week(times_ms: Int64s) -> Int64s:
    """0 (Monday) to 6 (Sunday), UTC."""
    return (times_ms // MS_PER_DAY + _EPOCH_WEEKDAY) % 7


TIME_FEATURES: dict[str, Callable[[Int64s], Int64s]] = {
    "hour": hour,
    "off_hours": off_hours,
    "day_of_week": day_of_week,
}


def check_features(features: Sequence[str], metrics: Sequence[str]) -> None:
    """Raises DetectorError for a feature that is neither a metric nor a time feature, or is named twice."""
    known = [*metrics, *TIME_FEATURES]
    for name in features:
        if name not in known:
            raise DetectorError(
                f"feature {name!r}", "is neither a metric nor a time feature", f"known: {', '.join(known)}"
            )
    if len(set(features)) != len(features):
        raise DetectorError(f"features {', '.join(features)}", "one is named twice")


def engineer(times_ms: Int64s, values: Float64s, metrics: Sequence[str], features: Sequence[str]) -> Float32s:
    """The feature matrix, shape (n, len(features)), float32, columns in the order of `features`.

    `times_ms` has shape (n,), ms since the epoch, UTC; `values` shape (n, len(metrics)). Forests compare float32,
    as scikit-learn's do.
    """
    matrix = np.empty((len(times_ms), len(features)), dtype=np.float32)
    for column, name in enumerate(features):
        source = values[:, metrics.index(name)] if name in metrics else TIME_FEATURES[name](times_ms)
        matrix[:, column] = source
    return matrix
