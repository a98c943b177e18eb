from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_cluster.dataset import read, windows
from producer.anomalies import KINDS
from producer.generator import A_DAY, Generated, files, generate
from producer.load import load
from producer.prepare import write_generated

seeds = st.integers(0, 2**32)
spans = st.integers(3, 30)


@settings(max_examples=10, deadline=None)
@given(seeds, spans)
def test_the_same_seed_makes_the_same_bytes_and_another_seed_others(seed: int, days: int) -> None:
    first = files(generate(seed, days))
    assert files(generate(seed, days)) == first
    other = files(generate(seed + 1, days))
    assert all(other[path] != content for path, content in first.items() if path.endswith(".csv"))


@settings(max_examples=30, deadline=None)
@given(seeds, spans)
def test_the_test_part_has_every_kind_and_the_training_part_some(seed: int, days: int) -> None:
    made = generate(seed, days)
    split = 0.6 * len(made.times_ms)
    late = [anomaly.kind for anomaly in made.anomalies if anomaly.window[0] > split]
    early = [anomaly.kind for anomaly in made.anomalies if anomaly.window[1] < split]
    assert sorted(late) == sorted(KINDS)
    assert len(early) >= 2
    assert len(early) + len(late) == len(made.anomalies)


@settings(max_examples=30, deadline=None)
@given(seeds, spans)
def test_windows_hold_their_anomalies_lie_inside_the_span_and_do_not_touch(seed: int, days: int) -> None:
    made = generate(seed, days)
    edges = [edge for anomaly in made.anomalies for edge in anomaly.window]
    assert edges == sorted(set(edges))
    assert edges[0] > 0
    assert edges[-1] < len(made.times_ms) - 1
    assert all(its.window[0] <= its.first <= its.last <= its.window[1] for its in made.anomalies)


@settings(max_examples=30, deadline=None)
@given(seeds, spans)
def test_values_stay_in_their_range(seed: int, days: int) -> None:
    values = generate(seed, days).values
    assert values["cpu"].min() >= 0
    assert values["cpu"].max() <= 100
    for name in ("network", "disk"):
        assert values[name].min() >= 0
        assert np.all(values[name] == np.rint(values[name]))
    assert all(np.isfinite(column).all() for column in values.values())


def test_the_files_are_a_data_set_that_passes_validation_and_merge(tmp_path: Path) -> None:
    write_generated(tmp_path, seed=3, days=14)
    dataset = read(tmp_path)
    merged = load(dataset)
    assert merged.names == ("network", "disk", "cpu")
    assert merged.filled == ()
    assert len(merged.times_ms) == 14 * A_DAY - 2
    made = generate(3, 14)
    assert np.array_equal(merged.values, np.column_stack(list(made.values.values()))[1:-1])
    assert windows(dataset) == {
        name: [
            (int(made.times_ms[its.window[0]]), int(made.times_ms[its.window[1]]))
            for its in made.anomalies
            if name in its.metrics
        ]
        for name in merged.names
    }


def test_the_labels_are_keyed_alike_and_name_the_kind_of_each_window() -> None:
    made = files(generate(3, 14))
    keys = {path.removeprefix("data/") for path in made if path.endswith(".csv")}
    labels = {
        name: json.loads(made[f"labels/{name}.json"]) for name in ("combined_windows", "combined_labels", "kinds")
    }
    assert all(set(its) == keys for its in labels.values())
    for key in keys:
        assert len({len(its[key]) for its in labels.values()}) == 1
        for (start, end), first in zip(labels["combined_windows"][key], labels["combined_labels"][key], strict=True):
            assert start <= first <= end
    assert {kind for its in labels["kinds"].values() for kind in its} == set(KINDS)


@pytest.fixture(scope="module")
def year() -> Generated:
    return generate(11, 364)


def test_load_has_a_daily_and_a_weekly_cycle(year: Generated) -> None:
    by_week = year.values["cpu"].reshape(-1, 7, A_DAY)
    of_day = np.median(by_week, axis=(0, 1))
    assert 14 * 12 <= np.argmax(of_day) <= 18 * 12
    assert 2 * 12 <= np.argmin(of_day) <= 6 * 12
    assert np.median(by_week[:, 6]) < 0.75 * np.median(by_week[:, 2])


def test_cpu_and_network_follow_the_same_load(year: Generated) -> None:
    assert np.corrcoef(year.values["cpu"], np.log1p(year.values["network"]))[0, 1] > 0.8


def test_noise_grows_with_the_level(year: Generated) -> None:
    network = year.values["network"].reshape(-1, A_DAY)
    jitter = np.median(np.abs(np.diff(network)), axis=0)
    assert np.median(jitter[15 * 12 : 17 * 12]) > 3 * np.median(jitter[3 * 12 : 5 * 12])


def test_bursts_are_heavy_tailed(year: Generated) -> None:
    disk = year.values["disk"]
    assert np.quantile(disk, 0.999) > 5 * np.quantile(disk, 0.9)


@pytest.mark.parametrize(
    ("kind", "metric", "low", "high"),
    [
        ("spike", "cpu", 1.2, 20.0),
        ("drop", "network", 0.0, 0.1),
        ("level_shift", "disk", 3.0, 40.0),
        ("memory_leak", "disk", 2.0, 100.0),
        ("traffic_flood", "network", 4.0, 200.0),
    ],
)
def test_each_kind_moves_its_metric_as_it_says(kind: str, metric: str, low: float, high: float) -> None:
    for seed in range(20):
        made = generate(seed, 14)
        column = made.values[metric]
        its = next(its for its in made.anomalies if its.kind == kind)
        around = np.concatenate([column[its.first - 12 : its.first], column[its.last + 1 : its.last + 13]])
        assert low <= np.mean(column[its.rows]) / np.median(around) <= high


def test_a_flat_line_does_not_move_at_all() -> None:
    made = generate(7, 14)
    its = next(its for its in made.anomalies if its.kind == "flat_line")
    assert len(set(made.values["cpu"][its.rows].tolist())) == 1
    assert its.last - its.first > 12
