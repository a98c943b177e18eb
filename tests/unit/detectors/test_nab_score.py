from __future__ import annotations

import csv
import gzip
import json
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.nab_score import NEVER, PROFILES, Profile, Scorer, probation, truth
from kafka_cluster.dataset import read_windows

NAB = Path(__file__).resolve().parents[4] / "shared" / "nab"
STEP = 300_000


def series(n: int, *windows: tuple[int, int]) -> Any:
    times = np.arange(n, dtype=np.int64) * STEP
    return truth(times, [(first * STEP, last * STEP) for first, last in windows])


def at(n: int, **scores: float) -> Any:
    found = np.zeros(n)
    for row, score in scores.items():
        found[int(row[1:])] = score
    return found


def plain(labelled: list[Any], scores: list[Any], threshold: float, profile: Profile) -> float:
    """The benchmark's score at one threshold, written as its paper tells it."""

    def sigma(position: float) -> float:
        return -1.0 if position > 3 else 2 / (1 + exp(5 * position)) - 1

    points, windows = 0.0, 0
    for (n, its), found in zip(labelled, scores, strict=True):
        best = dict.fromkeys(its, -profile.fn)
        for row in range(probation(n), n):
            if found[row] < threshold:
                continue
            inside = [window for window in its if window[0] <= row <= window[1]]
            before = [window for window in its if window[1] < row]
            if inside:
                first, last = inside[0]
                worth = profile.tp * sigma(-(last - row + 1) / (last - first + 1)) / sigma(-1)
                best[inside[0]] = max(best[inside[0]], worth)
            elif before:
                first, last = before[-1]
                points += profile.fp * sigma((row - last) / (last - first))
            else:
                points -= profile.fp
        points += sum(best.values())
        windows += len(its)
    return 100 * (points + profile.fn * windows) / (windows * (profile.tp + profile.fn))


@pytest.mark.skipif(not NAB.is_dir(), reason="the benchmark's series are not beside the checkout (../shared/nab)")
@pytest.mark.parametrize("detector", ["windowedGaussian", "randomCutForest", "numenta"])
def test_the_scores_are_those_of_the_benchmarks_own_code(detector: str) -> None:
    expected = json.loads((NAB / "reference" / "expected.json").read_text())["scores"][detector]
    truths, scores = [], []
    for name, windows in read_windows(NAB / "labels" / "combined_windows.json").items():
        if not (NAB / "data" / name).is_file():
            continue
        with (NAB / "data" / name).open() as opened:
            stamps = [row[0] for row in csv.reader(opened)][1:]
        truths.append(truth(np.array(stamps, "datetime64[ms]").astype(np.int64), windows))
        with gzip.open(NAB / "reference" / detector / f"{name}.gz", "rt") as opened:
            scores.append(np.array([float(row[1]) for row in list(csv.reader(opened))[1:]]))
    scorer = Scorer(truths)
    found = scorer.score(scores)
    assert scorer.windows == 69
    assert {name: score.score for name, score in found.items()} == pytest.approx(
        {name: expected[name] for name in PROFILES}, abs=0.01
    )
    assert found["standard"].threshold == pytest.approx(expected["threshold_standard"], abs=1e-6)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_best_threshold_is_the_best_of_all(data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 9999)))
    labelled, scores = [], []
    for _ in range(data.draw(st.integers(1, 3))):
        n = int(random.integers(60, 120))
        first = int(random.integers(20, 30))
        windows = [(first, first + 5)] + ([(n - 9, n - 1)] if random.random() < 0.7 else [])
        labelled.append((n, windows))
        scores.append(np.round(random.random(n) ** 4, 2) * (random.random(n) < 0.2))
    scorer = Scorer([series(n, *windows) for n, windows in labelled])
    for name, profile in PROFILES.items():
        found = scorer.score(scores)[name]
        tried = {NEVER, *(float(score) for each in scores for score in each if score > 0)}
        every = {threshold: plain(labelled, scores, threshold, profile) for threshold in tried}
        assert found.score == pytest.approx(max(every.values()))
        assert found.score == pytest.approx(every[found.threshold])
        for threshold, score in every.items():
            assert scorer.score_at(scores, threshold, profile) == pytest.approx(score)


def test_silence_is_0_and_the_first_record_of_every_window_is_100() -> None:
    scorer = Scorer([series(200, (50, 69), (150, 169)), series(100)])
    for name in PROFILES:
        assert scorer.score([np.zeros(200), np.zeros(100)])[name].score == 0
        perfect = scorer.score([at(200, r50=0.9, r150=0.9), np.zeros(100)])[name]
        assert perfect.score == pytest.approx(100)
        assert perfect.threshold == 0.9


def test_a_detection_is_worth_less_the_later_it_comes_and_none_is_worth_nothing() -> None:
    scorer = Scorer([series(200, (100, 119))])
    worth = [scorer.score([at(200, **{f"r{row}": 1.0})])["standard"].score for row in range(100, 120)]
    assert worth == sorted(worth, reverse=True)
    assert worth[-1] > 50


def test_the_first_part_of_a_series_is_not_scored() -> None:
    assert (probation(100), probation(4_032), probation(20_000)) == (15, 604, 750)
    scorer = Scorer([series(200, (100, 119))])
    early = scorer.score_at([at(200, r29=1.0, r100=1.0)], 1.0, PROFILES["standard"])
    late = scorer.score_at([at(200, r30=1.0, r100=1.0)], 1.0, PROFILES["standard"])
    assert early == pytest.approx(100)
    assert late == pytest.approx(100 - 100 * 0.11 / 2)


def test_a_false_alarm_costs_less_close_behind_a_window_and_more_where_they_are_to_be_few() -> None:
    scorer = Scorer([series(400, (100, 119))])

    def cost(row: int, profile: str) -> float:
        return -scorer.score_at([at(400, **{f"r{row}": 1.0})], 1.0, PROFILES[profile])

    assert cost(120, "standard") < cost(130, "standard") < cost(300, "standard") == pytest.approx(5.5)
    assert cost(300, "reward_low_FP_rate") == pytest.approx(11)


def test_a_window_ends_at_the_first_of_equal_instants() -> None:
    """Some series repeat an hour when the clocks change."""
    times = np.array([0, 1, 2, 3, 4, 5, 5, 6, 7], np.int64)
    assert truth(times, [(2, 5)]).window.tolist() == [-1, -1, 0, 0, 0, 0, -1, -1, -1]


def test_scores_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="need 200 scores, got 199"):
        Scorer([series(200)]).score([np.zeros(199)])
