"""Five CloudWatch series for which OpenSearch published what its random cut forest detects, and the same from here.

Matching: an alarm inside a labelled window finds it; further ones in the same window count as nothing; an alarm outside
every window is false. The probation is counted for neither. What OpenSearch published are detections in all and those
that match a label, so what did not match may repeat one that did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.scorecard.corpus import Series
from benchmarks.scorecard.report import table
from benchmarks.scorecard.run import EVERY_ALARM, Labelled, counts, stream
from kafka_cluster.dataset import Window
from kafka_cluster.errors import LabError


class Published(NamedTuple):
    """What OpenSearch gave for one series in December 2024."""

    detections: int
    true: int


PUBLISHED = {
    "ec2_cpu_utilization_24ae8d": Published(3, 2),
    "ec2_network_in_257a54": Published(4, 1),
    "ec2_disk_write_bytes_1ef3de": Published(3, 1),
    "rds_cpu_utilization_e47b3b": Published(2, 2),
    "rds_cpu_utilization_cc0c53": Published(1, 1),
}


def opensearch_table(name: str, series: Sequence[Series], windows: Mapping[str, Sequence[Window]]) -> list[str]:
    """One row a series, and the sum. Raises LabError where a series is not among those given."""
    by_name = {each.name: each for each in series}
    if missing := [each for each in PUBLISHED if each not in by_name]:
        raise LabError(missing[0], "not among the series", "the comparison needs the folder realAWSCloudwatch")
    chosen = [by_name[each] for each in PUBLISHED]
    labelled = Labelled.of(chosen, windows)
    found = stream(name, {}, chosen).detections()
    rows, sums = [], [0] * 6
    for number, (each, published) in enumerate(PUBLISHED.items()):
        ours = counts(labelled, found, EVERY_ALARM, [number])
        cells = [
            ours["windows"],
            *published,
            published.detections - published.true,
            ours["found"],
            ours["false_alarms"],
        ]
        rows.append((each, *map(str, cells)))
        sums = [old + new for old, new in zip(sums, cells, strict=True)]
    rows.append(("all five", *map(str, sums)))
    theirs = ("OpenSearch: detections", "true", "others")
    return table(("", "labelled windows", *theirs, f"{name}: windows found", "false alarms"), rows)
