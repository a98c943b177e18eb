from __future__ import annotations

from benchmarks.experiments.spike import Plan, Sample, rates, summary
from benchmarks.experiments.spike_plot import draw

PLAN = Plan(rate=100, factor=10, spike_s=2.0)


def samples() -> list[Sample]:
    """100/s, 1,000/s from 4 to 6 s; never more than 400/s are stored."""
    found, arrived, processed = [], 0.0, 0.0
    for step in range(60):
        at_s = step / 4
        found.append(Sample(at_s, int(arrived), int(processed), 0.0, 0.25 if arrived - processed > 500 else 1.0))
        arrived += (1_000 if 4 <= at_s < 6 else 100) / 4
        processed = min(arrived, processed + 100)
    return found


def test_rates_are_over_the_second_before() -> None:
    assert rates(samples(), "arrived")[-1] == 100
    assert max(rates(samples(), "arrived")) == 1_000
    assert max(rates(samples(), "processed")) == 400


def test_the_lag_is_highest_when_the_spike_ends_and_drained_when_it_is_back() -> None:
    found = summary(PLAN, samples(), 4.0)
    assert found["peak_lag"] == 1_200
    assert found["drained_after_s"] == 6.0
    assert (found["lowest_check_share"], found["last_check_share"]) == (0.25, 1.0)
    assert found["not_stored"] == 0


def test_it_can_be_drawn() -> None:
    assert draw(summary(PLAN, samples(), 4.0)).startswith(b"\x89PNG")
