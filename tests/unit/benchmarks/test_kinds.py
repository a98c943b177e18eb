from __future__ import annotations

import numpy as np
import pytest

from benchmarks.experiments.kinds import (
    A_DAY,
    BEGIN,
    KINDS,
    NOISE,
    STEP_MS,
    WARM_UP,
    World,
    judge,
    lines,
    outcome,
    run,
    stream,
    world,
)  # fmt: skip
from detectors.catalogue import CATALOGUE, Judge


@pytest.mark.parametrize("name", list(KINDS))
def test_a_series_is_calm_until_its_anomaly_and_not_after(name: str) -> None:
    given, others = world(KINDS[name], 3, series=3), world(KINDS["spike"], 3, series=3)
    assert given.begins.tolist() == others.begins.tolist()
    for its, other, begin in zip(given.values, others.values, given.begins.tolist(), strict=True):
        assert BEGIN[0] <= begin < BEGIN[1]
        assert its[:begin].tobytes() == other[:begin].tobytes()
        part = slice(begin, begin + KINDS[name].within)
        assert np.abs(its[part] - np.roll(its, A_DAY)[part]).max() > 3 * NOISE
    assert world(KINDS[name], 3, series=3).values.tobytes() == given.values.tobytes()


def test_only_alarms_in_time_find_and_only_those_before_are_false() -> None:
    given = World(np.zeros((3, 4_000)), np.array([3_200, 3_300, 3_400]), 50)
    alarms = np.zeros((3, 4_000), np.bool_)
    alarms[0, [100, 700, 3_199, 3_210, 3_230]] = True  # in the warm-up, false, false, found, found already
    alarms[1, 3_350] = True  # too late
    its = outcome(alarms, given)
    assert (its.delays, its.found, its.false_alarms) == ([10, None, None], 1, 2)
    assert its.calm_weeks == pytest.approx((3_200 + 3_300 + 3_400 - 3 * WARM_UP) / (7 * A_DAY))


@pytest.mark.parametrize("name", list(KINDS))
def test_the_ensemble_finds_every_kind(name: str) -> None:
    assert judge("ensemble", world(KINDS[name], 5, series=3)).found == 3


@pytest.mark.parametrize("name", ["cusum", "dbscan", "random-cut-forest"])
def test_a_calm_part_that_is_seen_once_gives_what_the_whole_series_gives(name: str) -> None:
    worlds = [world(KINDS[label], 1, series=2) for label in ("spike", "trend, leak")]
    for given, (scores, alarms) in zip(worlds, stream(name, worlds), strict=True):
        for number, begin in enumerate(given.begins.tolist()):
            end = begin + given.within
            values, times = given.values[number, :end], np.arange(end) * STEP_MS
            whole, _, alarmed = Judge.make(name, WARM_UP).decide(np.zeros(end, np.int64), times, values)
            assert scores[number, :end].tobytes() == whole.tobytes()
            assert alarms[number, :end].tolist() == alarmed.tolist()
            assert not alarms[number, end:].any()


def test_the_table_has_a_row_for_every_kind_and_a_column_for_every_detector() -> None:
    told = run(("cusum", "blind"), series=2)
    table = lines(told)[2:]
    assert table[0] == "|  | what happens | in time is | cusum | blind |"
    assert [row.split(" | ")[0] for row in table[2:]] == [f"| {name}" for name in (*KINDS, "false alarms")]
    assert run.__defaults__
    assert run.__defaults__[0] == tuple(CATALOGUE)
