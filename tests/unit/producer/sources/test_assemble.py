from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from structlog.testing import capture_logs

from kafka_cluster import yaml_file
from kafka_cluster.errors import LabError
from producer.sources.assemble import Assembler, Sample
from producer.sources.series_file import SeriesFile
from producer.sources.source import Reading

NAN, INF = float("nan"), float("inf")


def assembler(text: str) -> Assembler:
    return Assembler(yaml_file.parse(text, "series.yaml", SeriesFile), "h", 10.0)


def of(value: float, **labels: str) -> Sample:
    return Sample(tuple(sorted(labels.items())), value)


def looks(text: str, *samples: Mapping[str, Sequence[Sample]]) -> list[list[tuple[str, tuple[float, ...]]]]:
    made = assembler(text)
    rows = []
    for number, its in enumerate(samples):
        found: list[Reading] = made.assemble(number * 10_000, number * 10.0, its)
        rows.append([(one.key, one.values) for one in found])
    return rows


def test_metrics_are_in_the_order_of_the_file() -> None:
    text = "metrics: {b: {select: x}, a: {select: y}}"
    assert looks(text, {"a": [of(1)], "b": [of(2)]}) == [[("h", (2.0, 1.0))]]


def test_a_label_keys_the_records() -> None:
    text = "key: host\nmetrics: {a: {select: x}}"
    assert looks(text, {"a": [of(1, host="p"), of(2, host="q")]}) == [[("p", (1.0,)), ("q", (2.0,))]]


def test_a_series_without_that_label_is_an_error_with_file_line_and_field() -> None:
    with pytest.raises(LabError, match=r"series.yaml, line 1, key: a series has no label 'host': it has job='j'"):
        looks("key: host\nmetrics: {a: {select: x}}", {"a": [of(1, job="j")]})


def test_several_series_of_a_key_need_to_be_told_how_to_combine() -> None:
    samples = {"a": [of(1, cpu="0"), of(5, cpu="1")]}
    with pytest.raises(LabError, match=r"line 2, metrics.a.select: finds 2 series of key 'h', not one; .*combine: sum"):
        looks("metrics:\n  a: {select: x}\n", samples)
    for how, expected in {"sum": 6.0, "mean": 3.0, "max": 5.0, "min": 1.0}.items():
        assert looks(f"metrics: {{a: {{select: x, combine: {how}}}}}", samples) == [[("h", (expected,))]]


def test_what_is_missing_leaves_the_record_out_and_is_said_once_and_when_it_ends() -> None:
    text = "metrics: {a: {select: x}, b: {select: y}}"
    whole, part = {"a": [of(1)], "b": [of(2)]}, {"a": [of(1)], "b": []}
    with capture_logs() as said:
        assert looks(text, whole, part, part, whole) == [[("h", (1.0, 2.0))], [], [], [("h", (1.0, 2.0))]]
    assert [(one["event"], one["metric"]) for one in said] == [("metric missing", "b"), ("metric there again", "b")]


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_no_number_is_missing_too(value: float) -> None:
    assert looks("metrics: {a: {select: x}}", {"a": [of(value)]}) == [[]]
    summed = "metrics: {a: {select: x, combine: sum}}"
    assert looks(summed, {"a": [of(value, n="1"), of(1, n="2")]}) == [[]]  # half a sum is no sum


def test_a_number_stands_for_what_is_missing_only_where_the_file_says_so() -> None:
    text = "metrics: {a: {select: x}, errors: {select: y, missing: 0}}"
    assert looks(text, {"a": [of(1)], "errors": []}) == [[("h", (1.0, 0.0))]]
    assert looks(text, {"a": [], "errors": []}) == [[]]


def test_counters_are_rates_from_the_second_look_on_and_the_first_is_not_missing() -> None:
    text = "metrics: {a: {select: x, rate: true, missing: 0}}"
    with capture_logs() as said:
        assert looks(text, {"a": [of(100)]}, {"a": [of(150)]}) == [[], [("h", (5.0,))]]
    assert said == []


def test_rates_are_taken_before_series_are_combined_and_one_that_was_reset_leaves_the_look_out() -> None:
    text = "metrics: {a: {select: x, rate: true, combine: sum}}"
    rows = looks(
        text,
        {"a": [of(100, n="1"), of(1_000, n="2")]},
        {"a": [of(110, n="1"), of(3, n="2")]},
        {"a": [of(120, n="1"), of(13, n="2")]},
    )
    assert rows == [[], [], [("h", (2.0,))]]


def test_a_series_that_has_just_come_counts_from_the_next_look_on() -> None:
    text = "metrics: {a: {select: x, rate: true, combine: sum}}"
    rows = looks(
        text,
        {"a": [of(0, n="1")]},
        {"a": [of(10, n="1"), of(1_000_000, n="2")]},
        {"a": [of(20, n="1"), of(1_000_010, n="2")]},
    )
    assert rows == [[], [("h", (1.0,))], [("h", (2.0,))]]


def test_a_key_that_is_gone_is_forgotten_and_new_when_it_comes_again() -> None:
    text = "key: k\nmetrics: {a: {select: x}, b: {select: y}}"
    half = {"a": [of(1, k="p")], "b": []}
    with capture_logs() as said:
        looks(text, half, {"a": [], "b": []}, half)
    assert [one["event"] for one in said] == ["metric missing", "metric missing"]
