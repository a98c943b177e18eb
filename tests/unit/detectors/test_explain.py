from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.explain import Direction, Evidence, Severity, contributions, explain, reasons, sentence, severity
from detectors.model import Model
from tests.unit.detectors.conftest import START_MS

NOON = 1_397_131_200_000  # 2014-04-10 12:00


def usual(
    model: Model, rows: int
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """Instants through a day, and the usual values at them."""
    times = NOON + 900_000 * np.arange(rows, dtype=np.int64)
    return times, model.profile.expected(times)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_the_metric_that_is_off_leads_at_least_95_times_in_100(model: Model, column: int) -> None:
    times, values = usual(model, 100)
    values = values * np.random.default_rng(column).normal(1, 0.01, values.shape)
    values[:, column] *= 3
    shares = contributions(model, times, values, model.score(times, values))
    assert (shares.argmax(axis=1) == column).sum() >= 95


def test_shares_are_never_negative_and_sum_to_one_or_nothing(model: Model) -> None:
    times, values = usual(model, 50)
    values = values * np.random.default_rng(9).lognormal(0, 1, values.shape)
    shares = contributions(model, times, values, model.score(times, values))
    assert (shares >= 0).all()
    assert set(shares.sum(axis=1).round(12)) <= {0.0, 1.0}


def test_evidence_comes_with_the_largest_share_first(model: Model) -> None:
    times, values = usual(model, 1)
    values[0, 2] *= 5
    (why,) = explain(model, times, values, model.score(times, values))
    assert why.evidence[0].metric == "cpu"
    assert why.evidence[0].direction is Direction.ABOVE
    parts = [entry.contribution for entry in why.evidence]
    assert parts == sorted(parts, reverse=True)


def test_severity_grows_with_the_score(model: Model) -> None:
    halfway = (model.threshold + model.top_score) / 2
    assert severity(model, halfway - 1e-9) is Severity.LOW
    assert severity(model, halfway + 1e-9) is Severity.MEDIUM
    assert severity(model, model.top_score) is Severity.MEDIUM
    assert severity(model, model.top_score + 1e-9) is Severity.HIGH


def entry(metric: str, observed: float, expected: float, direction: Direction) -> Evidence:
    return Evidence(metric, observed, expected, 0.5, direction)


@pytest.mark.parametrize(
    ("evidence", "text"),
    [
        ([("network", 41e6, 1e6, "ABOVE"), ("cpu", 1, 1, "USUAL")], "network 41x the usual for 12:00 UTC; cpu normal"),
        ([("network", 2.5e6, 1e6, "ABOVE")], "network 2.5x the usual for 12:00 UTC"),
        ([("network", 2e5, 1e6, "BELOW")], "network 20% of the usual for 12:00 UTC"),
        ([("disk", 7, 0, "ABOVE")], "disk 7, above the usual 0 for 12:00 UTC"),
        ([("cpu", 1.2, 1, "ABOVE")], "cpu 1.2, above the usual 1 for 12:00 UTC"),
        ([("cpu", -3, 1, "BELOW")], "cpu -3, below the usual 1 for 12:00 UTC"),
        (
            [("a", 1, 1, "USUAL"), ("b", 1, 1, "USUAL"), ("c", 1, 1, "USUAL")],
            "unusual combination of a, b and c for 12:00 UTC",
        ),
    ],
)
def test_one_sentence_says_what_is_strange(evidence: list[tuple[str, float, float, str]], text: str) -> None:
    entries = [entry(name, observed, expected, Direction(way)) for name, observed, expected, way in evidence]
    assert sentence(entries, 12) == text


def test_the_expected_range_is_that_of_the_hour(model: Model) -> None:
    times = START_MS + 6 * 3_600_000 * np.arange(4)
    values = model.profile.expected(times)
    for why, time, value in zip(explain(model, times, values, model.score(times, values)), times, values, strict=True):
        its = next(entry for entry in why.evidence if entry.metric == "network")
        assert its.low is not None
        assert its.high is not None
        assert its.low < value[0] < its.high
        at_night = model.profile.usual(times)[0][(time - START_MS) // (6 * 3_600_000), 0]
        assert its.low == at_night
    assert len(set(model.profile.usual(times)[0][:, 0])) == 4  # network follows the hour


def test_a_value_that_is_usual_by_day_is_above_the_usual_by_night(model: Model) -> None:
    times = np.array([START_MS + 18 * 3_600_000, START_MS + 6 * 3_600_000])  # the trough and the crest of network
    values = model.profile.expected(times)
    values[0, 0] = values[1, 0]
    night, day = explain(model, times, values, model.score(times, values))
    assert next(entry for entry in night.evidence if entry.metric == "network").direction is Direction.ABOVE
    assert next(entry for entry in day.evidence if entry.metric == "network").direction is Direction.USUAL


def test_a_model_without_hourly_ranges_has_the_overall_one(model: Model) -> None:
    old = replace(model, profile=replace(model.profile, by_hour=None))
    times, values = usual(model, 5)
    low, high = old.profile.usual(times)
    assert (low == old.profile.low).all()
    assert (high == old.profile.high).all()
    assert explain(old, times, values, old.score(times, values))[0].evidence[0].low is not None


def test_how_rare_a_score_is_is_counted_in_the_training_data(model: Model) -> None:
    random = np.random.default_rng(5)
    trained = np.sort(random.random(5_000))
    its = replace(model, tail=trained[-1_000:], rows=5_000)
    scores = np.array([0.5, trained[-1_000], trained[-10], trained[-1], 1.0])
    assert its.one_in(scores).tolist() == [0, 5_001 // 1_001, 5_001 // 11, 5_001 // 2, 5_001]
    assert model.one_in(scores).tolist() == [0] * 5
    times, values = usual(model, 1)
    values[0, 2] *= 50
    (why,) = reasons(replace(its, tail=np.zeros(1_000)), times, values, np.ones(1))
    assert why.one_in == 5_001
    assert why.sentence == "cpu 50x the usual for 12:00 UTC; network and disk normal; once in 5,001 records"


def test_no_anomaly_costs_nothing(model: Model) -> None:
    assert explain(model, np.empty(0, np.int64), np.empty((0, 3)), np.empty(0)) == []
