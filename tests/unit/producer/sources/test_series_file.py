from __future__ import annotations

import pytest

from kafka_cluster import yaml_file
from kafka_cluster.errors import LabError
from producer.sources.series_file import SeriesFile


def complaint(choice: str) -> str:
    with pytest.raises(LabError) as caught:
        yaml_file.parse(f"metrics:\n  cpu:\n{choice}", "series.yaml", SeriesFile)
    return str(caught.value)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("    rate: true\n", "series.yaml, line 2, metrics.cpu.select: is needed"),
        ("    select: x\n    rate: 1\n", "line 4, metrics.cpu.rate: must be a valid boolean, got 1"),
        ("    select: x\n    combine: avg\n", "line 4, metrics.cpu.combine: must be 'sum', 'mean', "),
        ("    select: x\n    missing: zero\n", "line 4, metrics.cpu.missing: must be skip, or a number that"),
        ("    select: x\n    missing: true\n", "line 4, metrics.cpu.missing: must be skip, or a number"),
        ("    select: x\n    missing: .nan\n", "line 4, metrics.cpu.missing: must be skip, or a number"),
        ("    select: x\n    unit: bytes\n", "line 4, metrics.cpu.unit: is not known here"),
        ("    select: x\n  cpu:\n    select: y\n", "line 4, metrics.cpu: is there twice"),
        ("    select: x\n  b-d:\n    select: y\n", "line 4, metrics.b-d: String should match pattern"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_line_and_field(choice: str, said: str) -> None:
    assert said in complaint(choice)


def test_a_number_may_stand_for_what_is_missing() -> None:
    read = yaml_file.parse("metrics: {a: {select: x, missing: 0}, b: {select: y}}", "s.yaml", SeriesFile)
    assert [choice.missing for choice in read.value.metrics.values()] == [0, "skip"]
