from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.scorecard.blindfold import PeekError, blindfold
from benchmarks.scorecard.corpus import read_corpus
from benchmarks.scorecard.gallery import typical
from benchmarks.scorecard.report import BEGIN, END, write_between
from benchmarks.scorecard.run import Labelled, counts, stream
from commands.__main__ import command_line
from detectors import catalogue
from detectors.blind import Blind
from detectors.errors import DetectorError
from detectors.nab_score import PROFILES, Scorer
from kafka_cluster.dataset import read_windows
from kafka_cluster.errors import LabError

NAB = Path(__file__).resolve().parents[4] / "shared" / "nab"
STEP = np.timedelta64(5, "m")
START = np.datetime64("2024-01-01T00:00:00")
BURST = (900, 940)  # rows
PROFILE_NAMES = tuple(PROFILES)


def stamp(row: int) -> str:
    return str(START + row * STEP).replace("T", " ")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two folders: two series with a labelled burst, one without."""
    random = np.random.default_rng(1)
    windows = {}
    for key, labelled in {"one/a": True, "one/b": True, "two/c": False}.items():
        values = random.normal(50, 2, 1_200)
        if labelled:
            values[slice(*BURST)] += 40
        file = tmp_path / "data" / f"{key}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = "".join(f"{stamp(row)},{value!r}\n" for row, value in enumerate(values.tolist()))
        file.write_text(f"timestamp,value\n{rows}")
        windows[f"{key}.csv"] = [[stamp(880), stamp(980)]] if labelled else []
    (tmp_path / "labels.json").write_text(json.dumps(windows))
    return tmp_path


def run(corpus: Path, *arguments: str) -> Any:
    given = ["scorecard", "--data", str(corpus / "data"), "--labels", str(corpus / "labels.json"), *arguments]
    result = CliRunner().invoke(command_line(("scorecard",)), given, catch_exceptions=False)
    assert result.exit_code == 0
    return result


def told(corpus: Path, *arguments: str) -> dict[str, Any]:
    detectors: dict[str, Any] = json.loads(run(corpus, "--json", *arguments).stdout.splitlines()[-1])["detectors"]
    return detectors


def test_the_json_has_every_detector_in_all_and_by_folder(corpus: Path) -> None:
    found = told(corpus)
    assert list(found) == list(catalogue.CATALOGUE)
    for detector in found.values():
        assert {*PROFILE_NAMES, "threshold", "windows", "found", "false_alarms", "records_per_s"} <= detector.keys()
        assert list(detector["folders"]) == ["one", "two"]
        assert detector["windows"] == detector["folders"]["one"]["windows"] == 2
        assert detector["false_alarms"] == sum(each["false_alarms"] for each in detector["folders"].values())
        assert detector["folders"]["two"]["standard"] is None
    assert (found["ensemble"]["found"], found["ensemble"]["missed"], found["ensemble"]["recall"]) == (2, 0, 1)
    assert found["ensemble"]["standard"] > found["blind"]["standard"]
    assert found["ensemble"]["threshold_moved"].keys() == {"0.9", "1.1"}


def test_saved_scores_are_in_the_benchmarks_layout_and_have_the_score_that_was_told(
    corpus: Path, tmp_path: Path
) -> None:
    found = told(corpus, "--detector", "ensemble", "--save", str(tmp_path / "saved"))
    series = read_corpus(corpus / "data")
    labelled = Labelled.of(series, read_windows(corpus / "labels.json"))
    scores = []
    for each, truth in zip(series, labelled.truths, strict=True):
        with (tmp_path / "saved" / each.folder / f"ensemble_{each.name}.csv").open() as opened:
            rows = list(csv.DictReader(opened))
        assert list(rows[0]) == ["timestamp", "value", "anomaly_score", "label"]
        assert [row["timestamp"] for row in rows] == each.stamps
        assert [float(row["value"]) for row in rows] == each.values.tolist()
        assert [int(row["label"]) for row in rows] == (truth.window >= 0).astype(int).tolist()
        scores.append(np.array([float(row["anomaly_score"]) for row in rows]))
    again = Scorer(labelled.truths).score(scores)
    assert {name: round(again[name].score, 3) for name in PROFILE_NAMES} == {
        name: found["ensemble"][name] for name in PROFILE_NAMES
    }
    assert again["standard"].threshold == found["ensemble"]["threshold"]


def test_one_configuration_for_all_comes_from_a_file(corpus: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("ensemble:\n  threshold: 0.9\n  most: 0.5  # of each of five streams\n")
    found = told(corpus, "--detector", "ensemble", "--detector", "blind", "--config", str(config))
    assert (found["ensemble"]["decision_threshold"], found["blind"]["decision_threshold"]) == (0.9, 0.5)
    assert (found["ensemble"]["found"], told(corpus, "--detector", "ensemble")["ensemble"]["found"]) == (0, 2)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ensemble: [", "cannot be read as YAML"),
        ("- ensemble", "is no mapping of detectors"),
        ("ensemble: 3", "ensemble is no mapping of options"),
        ("ensemble: {threshold: low}", "ensemble.threshold is no number"),
        ("ensemble: {labels: 1}", "has no option 'labels'"),
        ("oracle: {threshold: 1}", "no such detector"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_by_name(corpus: Path, text: str, complaint: str) -> None:
    (corpus / "config.yaml").write_text(text)
    with pytest.raises((LabError, DetectorError), match=complaint):
        run(corpus, "--config", str(corpus / "config.yaml"))


def test_missing_series_and_labels_are_one_clear_line(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(LabError, match="no series in it"):
        run(corpus, "--data", str(tmp_path / "empty"))
    with pytest.raises(LabError, match=r"labels are a combined_windows\.json"):
        run(corpus, "--labels", str(tmp_path / "none.json"))
    (corpus / "data" / "one" / "a.csv").write_text("time,reading\n1,2\n")
    with pytest.raises(LabError, match="not a series of timestamp and value"):
        run(corpus)


def test_tables_are_written_between_their_marks_and_nothing_else_is_touched(corpus: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nyesterday\n{END}\nafter\n")
    run(corpus, "--detector", "blind", "--write", str(page))
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "| blind |" in text
    assert "yesterday" not in text
    write_between(page, "new")
    assert page.read_text() == f"before\n{BEGIN}\n\nnew\n{END}\nafter\n"
    page.write_text("no marks\n")
    with pytest.raises(LabError, match="has no line"):
        write_between(page, "new")


def test_windows_and_alarms_are_counted_outside_the_probation(corpus: Path) -> None:
    labelled = Labelled.of(read_corpus(corpus / "data"), read_windows(corpus / "labels.json"))
    found = [np.zeros(1_200) for _ in labelled.series]
    found[0][[100, 500, 890, 900]] = 1.0  # in the probation, false, in the window twice
    found[2][700] = 0.4
    low, high = (counts(labelled, found, at, range(3)) for at in (0.4, 0.5))
    assert (low["found"], low["missed"], low["false_alarms"]) == (1, 1, 2)
    assert (high["found"], high["missed"], high["false_alarms"]) == (1, 1, 1)
    assert high["median_delay_s"] == 10 * 300
    assert (high["precision"], high["recall"]) == (0.5, 0.5)
    days = 3 * 1_199 * 300 / 86_400 * (1 - 180 / 1_200)
    assert high["false_alarms_per_day"] == pytest.approx(1 / days, abs=1e-4)


class Sly(Blind):
    """A detector that was handed the label file and uses it."""

    peek: Callable[[], object]

    def score(self, keys: Any, times_ms: Any, values: Any) -> Any:
        type(self).peek()
        return super().score(keys, times_ms, values)


def ways(labels: Path) -> dict[str, Callable[[], object]]:
    soft, hard = labels.with_name("soft"), labels.with_name("hard")
    soft.symlink_to(labels)
    os.link(labels, hard)
    descend = labels.parent / "data" / ".." / labels.name
    return {
        "open": labels.read_text,
        "another path": descend.read_bytes,
        "a symbolic link": soft.read_text,
        "a hard link": hard.read_text,
        "the system's open": lambda: os.open(labels, os.O_RDONLY),
        "numpy": lambda: np.fromfile(labels, np.uint8),
        "another process": lambda: subprocess.run(["cat", str(labels)], check=True),
        "the series' file": (labels.parent / "data" / "one" / "a.csv").read_text,
    }


@pytest.mark.parametrize("way", range(8))
def test_a_detector_handed_the_label_file_cannot_read_it(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, way: int
) -> None:
    name, peek = list(ways(corpus / "labels.json").items())[way]
    peek()  # it could, were it not blindfolded
    entry = replace(catalogue.CATALOGUE["blind"], make=lambda warm_up, _options: Sly(warm_up))
    monkeypatch.setitem(catalogue.CATALOGUE, "sly", entry)
    monkeypatch.setattr(Sly, "peek", staticmethod(peek), raising=False)
    with pytest.raises(PeekError, match="blindfolded"):
        run(corpus, "--detector", "sly")
    peek()  # and the blindfold is off again
    assert name


def test_labels_are_opened_when_every_detector_is_done(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the labels say changes no score: the detectors are done before the file is opened."""
    order: list[str] = []

    def noted(name: str, function: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            order.append(name)
            return function(*arguments, **named)

        return call

    monkeypatch.setattr("commands.scorecard.stream", noted("stream", stream))
    monkeypatch.setattr("commands.scorecard.read_windows", noted("labels", read_windows))
    run(corpus, "--detector", "blind", "--detector", "cusum")
    assert order == ["stream", "stream", "labels"]


def test_a_blindfold_lets_other_files_be_opened(corpus: Path) -> None:
    with blindfold([corpus / "labels.json"]):
        assert (corpus / "data" / "one" / "a.csv").read_text()
        assert not (corpus / "none").exists()


def test_the_first_part_of_a_series_has_the_scores_it_has_in_the_whole(corpus: Path, tmp_path: Path) -> None:
    """Through the command, bit for bit, for every detector: nothing looks ahead, not even for the length."""
    whole, part = tmp_path / "whole", tmp_path / "part"
    run(corpus, "--warm-up", "100", "--save", str(whole))
    for file in (corpus / "data").glob("*/*.csv"):
        file.write_text("".join(file.read_text().splitlines(keepends=True)[:951]))
    run(corpus, "--warm-up", "100", "--save", str(part))
    files = [file.relative_to(part) for file in part.glob("*/*.csv")]
    assert len(files) == 3 * len(catalogue.CATALOGUE)
    for file in files:
        assert (part / file).read_text().splitlines() == (whole / file).read_text().splitlines()[:951]


def test_a_picture_of_each_series_shows_windows_found_and_false_alarms(corpus: Path, tmp_path: Path) -> None:
    run(corpus, "--detector", "ensemble", "--detector", "blind", "--plots", str(tmp_path / "plots"))
    one, calm = (matplotlib.image.imread(tmp_path / "plots" / f"{name}.png") for name in ("one/a", "two/c"))
    for picture, windows in ((one, True), (calm, False)):
        assert picture.shape[0] > 400
        assert has(picture, "#d62728")  # false alarms
        assert has(picture, "#2a8f4f") == windows  # true ones


def has(picture: Any, colour: str) -> bool:
    """Whether a picture has a pixel close to that colour."""
    wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return bool((np.abs(picture[:, :, :3] - wanted).max(axis=2) < 0.12).any())


def test_batches_do_not_matter(corpus: Path) -> None:
    series = read_corpus(corpus / "data")
    small, large = (stream("ensemble", {}, series, batch) for batch in (7, 100_000))
    assert [its.tobytes() for its in small.scores] == [its.tobytes() for its in large.scores]
    assert [its.tobytes() for its in small.alarms] == [its.tobytes() for its in large.alarms]


@pytest.mark.skipif(not NAB.is_dir(), reason="the benchmark's series are not beside the checkout (../shared/nab)")
def test_the_ensemble_keeps_its_place_on_the_benchmark() -> None:
    """With one configuration, causal, and a threshold that is not sharp; docs/evaluation.md tells what was tried."""
    labels = str(NAB / "labels" / "combined_windows.json")
    given = ["scorecard", "--data", str(NAB / "data"), "--labels", labels, "--detector", "ensemble", "--json"]
    result = CliRunner().invoke(command_line(("scorecard",)), given, catch_exceptions=False)
    found = json.loads(result.stdout.splitlines()[-1])["detectors"]["ensemble"]
    assert found["windows"] == 69
    assert found["standard"] >= 80
    assert found["as_decided"] >= 80
    assert min(found["threshold_moved"].values()) >= found["as_decided"] - 3


def test_the_gallery_has_a_picture_of_each_detector_on_the_series_of_its_median_score(corpus: Path) -> None:
    result = run(corpus, "--detector", "ensemble", "--detector", "blind", "--gallery", str(corpus / "gallery"))
    assert sorted(path.name for path in (corpus / "gallery").iterdir()) == ["blind.png", "ensemble.png"]
    assert "ensemble: one/" in result.stderr
    assert "1 of 1 windows found" in result.stderr
    labelled = Labelled.of(read_corpus(corpus / "data"), read_windows(corpus / "labels.json"))
    for name in ("ensemble", "blind"):
        said = stream(name, {}, labelled.series)
        found = said.detections()
        scores = [
            Scorer([labelled.truths[number]]).score_at([found[number]], 1e-12, PROFILES["standard"])
            for number in (0, 1)  # the third has no window
        ]
        its = typical(said, labelled)
        assert its is not None
        assert its.score == pytest.approx(min(scores))  # the lower of two
        assert scores[its.number] == pytest.approx(min(scores))
    assert typical(said, Labelled.of(labelled.series, {})) is None


def test_results_in_a_file_are_not_run_again_and_those_of_others_are_added(corpus: Path) -> None:
    file = corpus / "results.json"
    first = run(corpus, "--detector", "blind", "--results", str(file))
    assert "blind: 3,600 records" in first.stderr
    kept = json.loads(file.read_text())
    kept["detectors"]["blind"]["standard"] = 12.3
    file.write_text(json.dumps(kept))
    second = run(corpus, "--detector", "blind", "--detector", "cusum", "--results", str(file))
    assert "blind: 3,600 records" not in second.stderr
    assert "cusum: 3,600 records" in second.stderr
    assert "| blind | 12.3 |" in second.stdout
    assert list(json.loads(file.read_text())["detectors"]) == ["cusum", "blind"]
    file.write_text("[]")
    with pytest.raises(LabError, match="holds no results of a scorecard"):
        run(corpus, "--detector", "blind", "--results", str(file))
