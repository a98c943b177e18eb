from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments.protocol.folders import THRESHOLDS, choose, families, leave_one_out, standard
from benchmarks.experiments.protocol.lost import points
from benchmarks.experiments.protocol.opensearch import PUBLISHED, opensearch_table
from benchmarks.experiments.protocol.series import CUTS, made_over
from benchmarks.scorecard.corpus import Series
from benchmarks.scorecard.run import EVERY_ALARM, Labelled, Said
from commands.__main__ import command_line
from detectors.deciding import Decision
from detectors.nab_score import PROFILES, Scorer
from kafka_cluster.errors import LabError

STEP_MS = 300_000
Windows = dict[str, list[tuple[int, int]]]


def series(name: str, n: int = 1_200, burst: int | None = 900, seed: int = 0) -> Series:
    values = np.random.default_rng(seed).normal(50, 2, n)
    if burst is not None:
        values[burst : burst + 40] += 40
    times = np.arange(n, dtype=np.int64) * STEP_MS
    stamps = [str(np.datetime64(int(each), "ms")).replace("T", " ")[:19] for each in times]
    return Series(Path(f"{name}.csv"), stamps, times, values)


@pytest.fixture
def corpus() -> tuple[list[Series], Windows]:
    each = [series(name, seed=number) for number, name in enumerate(("one/a", "one/b", "two/c", "two/d"))]
    return each, {its.key: [(880 * STEP_MS, 980 * STEP_MS)] for its in each}


def said_of(each: list[Series], peaks: list[float], elsewhere: list[float]) -> Said:
    """A detector that says `peaks` in each window and `elsewhere` at record 400."""
    scores = []
    for its, peak, false in zip(each, peaks, elsewhere, strict=True):
        score = np.zeros(len(its.values))
        score[890], score[400] = peak, false
        scores.append(score)
    alarms = [score > 0 for score in scores]
    return Said("made up", Decision(0.5, refractory=0.0), scores, scores, alarms, [180] * len(each), 1.0)


def test_a_folder_has_no_say_in_what_it_is_judged_by(corpus: tuple[list[Series], Windows]) -> None:
    """Folder one wants a low threshold, folder two a high one; each is judged by what the other wants."""
    labelled = Labelled.of(*corpus)
    said = said_of(labelled.series, [0.4, 0.4, 0.9, 0.9], [0.0, 0.0, 0.5, 0.5])  # type: ignore[arg-type]
    decisions = [Decision(0.5 * share, refractory=0.0, rearm=2.0) for share in THRESHOLDS]
    held = leave_one_out(said, labelled, decisions)
    assert held.chosen["two"].threshold < 0.4
    assert held.chosen["one"].threshold > 0.5
    assert held.scores["one"] == 0  # judged by two's high threshold, nothing of it is found
    assert held.held_out < held.on_all
    assert held.tried == len(THRESHOLDS)


def test_a_plateau_is_chosen_before_a_peak(corpus: tuple[list[Series], Windows]) -> None:
    labelled = Labelled.of(*corpus)
    good = [np.isin(np.arange(1_200), [890]) for _ in range(4)]
    half = [good[0], good[1], np.zeros(1_200, np.bool_), np.zeros(1_200, np.bool_)]
    most = [good[0], good[1], good[2], np.zeros(1_200, np.bool_)]
    none = [np.zeros(1_200, np.bool_)] * 4
    found = [none, good, none, half, most, most, most, half, *[none] * 7]
    assert choose(labelled, found, range(4)) == 5


def test_families_hold_the_decision_of_the_catalogue_and_say_how_many_they_are() -> None:
    how = Decision(0.2, boost=0.03, smooth=0.01)
    sizes = {name: len(decisions) for name, decisions in families(how).items()}
    assert sizes == {"threshold": 15, "threshold, boost, smoothing": 135}
    assert all(how in decisions for decisions in families(how).values())


@pytest.mark.parametrize("name", list(CUTS))
def test_series_cut_keep_instants_values_and_whole_windows(name: str) -> None:
    long = series("one/a", 6_000, 4_000)
    windows = {long.key: [(3_950 * STEP_MS, 4_100 * STEP_MS), (100 * STEP_MS, 120 * STEP_MS)]}
    labelled = made_over(CUTS[name], [long], windows)
    assert sum(each.windows for each in labelled.truths) == 1  # the one in the probation has no part in it
    for each in labelled.series:
        assert len(each.values) == len(each.times_ms) == len(each.stamps) < 6_000
        assert set(each.times_ms) <= set(long.times_ms)
    at = {int(time): value for its in labelled.series for time, value in zip(its.times_ms, its.values, strict=True)}
    if "means" in name:
        step = int(name.rsplit(maxsplit=1)[-1])
        assert at[0] == pytest.approx(long.values[:step].mean())
    else:
        assert all(value == long.values[time // STEP_MS] for time, value in at.items())


def test_points_lost_and_the_score_make_a_hundred(corpus: tuple[list[Series], Windows]) -> None:
    labelled = Labelled.of(*corpus)
    random = np.random.default_rng(3)
    alarms = [random.random(1_200) < 0.003 for _ in range(3)] + [np.zeros(1_200, np.bool_)]
    lost = sum(sum(points(truth, its, 4)) for truth, its in zip(labelled.truths, alarms, strict=True))
    score = Scorer(labelled.truths).score_at([its.astype(float) for its in alarms], EVERY_ALARM, PROFILES["standard"])
    assert standard(labelled, alarms, range(4)) == pytest.approx(score)
    assert lost + score == pytest.approx(100)


def test_the_opensearch_row_counts_windows_and_false_alarms() -> None:
    each = [series(f"realAWSCloudwatch/{name}", seed=number) for number, name in enumerate(PUBLISHED)]
    windows = {its.key: [(880 * STEP_MS, 980 * STEP_MS)] for its in each}
    lines = opensearch_table("ensemble", each, windows)
    assert lines[-1].startswith("| all five | 5 | 13 | 7 | 6 | 5 |")
    with pytest.raises(LabError, match="not among the series"):
        opensearch_table("ensemble", each[1:], windows)


def test_the_protocol_writes_its_tables_between_their_marks(tmp_path: Path) -> None:
    windows: dict[str, Any] = {}
    for number, name in enumerate(PUBLISHED):
        its = series(f"{'one' if number else 'two'}/{name}", seed=number)
        file = tmp_path / "data" / its.file
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = "".join(f"{stamp},{value}\n" for stamp, value in zip(its.stamps, its.values, strict=True))
        file.write_text(f"timestamp,value\n{rows}")
        windows[its.key] = [[its.stamps[880], its.stamps[980]]]
    (tmp_path / "labels.json").write_text(json.dumps(windows))
    names = ("folders", "cuts", "seeds", "opensearch", "lost")
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- lab experiment, {n}: begin -->\n<!-- lab experiment, {n}: end -->\n" for n in names))
    given = ["experiment", "protocol", "--data", str(tmp_path / "data"), "--labels", str(tmp_path / "labels.json")]
    ended = CliRunner().invoke(command_line(("experiment",)), [*given, "--write", str(page)], catch_exceptions=False)
    assert ended.exit_code == 0
    text = page.read_text()
    assert "| all five | 5 | 13 | 7 | 6 |" in text
    assert "| ensemble | threshold | 15 |" in text
    assert "| pieces of 2,200 | 0 |" in text
