"""Average run lengths: published figures, a Markov chain, simulation, and the detector itself."""

from __future__ import annotations

import pytest

from benchmarks.run_lengths import (
    PAGE,
    PUBLISHED,
    SHIFTS,
    classic_run_lengths,
    one_sided,
    two_sided,
    windowed_run_lengths,
)
from detectors.cusum import DECISION, SLACK


def test_the_markov_chain_gives_the_published_one_sided_run_length_in_control() -> None:
    assert one_sided(0.0) == pytest.approx(930.9, abs=0.5)  # Hawkins and Olwell 1998; Siegmund's formula says 938


@pytest.mark.parametrize("shift", SHIFTS)
def test_published_markov_chain_and_simulation_agree_on_known_mean_and_spread(shift: float) -> None:
    assert two_sided(shift) == pytest.approx(PUBLISHED[shift], rel=0.005)
    runs = 10_000
    lengths = classic_run_lengths(runs, shift, SLACK, DECISION, 2)
    assert lengths.mean() == pytest.approx(two_sided(shift), abs=4 * lengths.std() / runs**0.5)


def test_noise_alarms_on_the_window_about_as_rarely_as_with_known_mean_and_spread() -> None:
    assert windowed_run_lengths(0.0, runs=2_000, seed=2).average == pytest.approx(two_sided(0.0), rel=0.2)


@pytest.mark.parametrize("shift", [2.0, 3.0])
def test_large_shifts_are_found_on_the_window_as_soon_as_with_known_mean_and_spread(shift: float) -> None:
    found = windowed_run_lengths(shift, runs=2_000, seed=3)
    assert found.average == pytest.approx(two_sided(shift), rel=0.1)
    assert found.within(25) > 0.99


def test_a_shift_of_one_sigma_is_mostly_found_while_the_window_remembers() -> None:
    found = windowed_run_lengths(1.0, runs=2_000, seed=4)
    assert found.within(50) > 0.75


def test_the_page_has_a_row_for_each_shift() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows[1:]] == [f"{shift:g}" for shift in SHIFTS]
