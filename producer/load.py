"""A data set's files, read, checked and merged."""

from __future__ import annotations

from collections.abc import Collection

from kafka_cluster.dataset import Dataset
from producer.merge import Merged, merge
from producer.series import Duplicates, read


def load(
    dataset: Dataset,
    *,
    after_ms: int | None = None,
    before_ms: int | None = None,
    fill: Collection[str] | None = None,
    duplicates: Duplicates = "refuse",
    sort: bool = False,
) -> Merged:
    """Read every file and merge them; the metrics are the columns, in the order of the data set.

    The parameters are those of `series.read` and `merge.merge`. Raises LabError, naming file and line, before any
    record could go out.
    """
    series = {
        metric.name: read(dataset.path(metric), name=metric.name, duplicates=duplicates, sort=sort)
        for metric in dataset.metrics
    }
    return merge(series, after_ms=after_ms, before_ms=before_ms, fill=fill)
