from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kafka_cluster.dataset import Dataset, Metric, read, windows
from kafka_cluster.errors import LabError

METRICS = [
    {"name": "network", "file": "data/f/a.csv", "series": "f/a.csv", "unit": "bytes"},
    {"name": "cpu", "file": "data/f/b.csv", "series": "f/b.csv", "unit": "%"},
]


def described(folder: Path, **changes: Any) -> Path:
    content = {
        "name": "some",
        "source": "given",
        "why": "because",
        "metrics": METRICS,
        "labels": "labels/combined_windows.json",
        **changes,
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def labelled(folder: Path, content: object) -> Path:
    (folder / "labels").mkdir()
    (folder / "labels" / "combined_windows.json").write_text(json.dumps(content))
    return folder


def test_paths_are_relative_to_the_description(tmp_path: Path) -> None:
    for given in (described(tmp_path), tmp_path / "dataset.json"):
        dataset = read(given)
        assert dataset.path(dataset.metrics[1]) == tmp_path / "data" / "f" / "b.csv"
        assert dataset.labels_path == tmp_path / "labels" / "combined_windows.json"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    dataset = Dataset(
        name="n", source="s", why="w", metrics=tuple(Metric.model_validate(m) for m in METRICS), labels=None
    )
    (tmp_path / "dataset.json").write_text(dataset.to_json())
    assert read(tmp_path) == dataset.model_copy(update={"root": tmp_path})
    assert str(tmp_path) not in dataset.to_json()


def test_windows_belong_to_metrics_through_their_series_and_fractions_of_a_second_count(tmp_path: Path) -> None:
    described(tmp_path)
    labelled(
        tmp_path,
        {
            "f/a.csv": [["1970-01-01 00:00:01.500000", "1970-01-01 00:01:00"]],
            "f/other.csv": [["1970-01-01 00:00:00", "1970-01-01 00:01:00"]],
        },
    )
    assert windows(read(tmp_path)) == {"network": [(1500, 60_000)], "cpu": []}


def test_without_labels_there_are_no_windows(tmp_path: Path) -> None:
    assert windows(read(described(tmp_path, labels=None))) == {"network": [], "cpu": []}


@pytest.mark.parametrize(
    "content", [[], {"f/a.csv": [["1970-01-01"]]}, {"f/a.csv": [["soon", "later"]]}, {"f/a.csv": 3}]
)
def test_a_malformed_label_file_is_named(tmp_path: Path, content: object) -> None:
    described(tmp_path)
    labelled(tmp_path, content)
    with pytest.raises(LabError, match=r"combined_windows\.json: not a file of labelled windows"):
        windows(read(tmp_path))


def test_a_label_file_that_is_promised_and_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"combined_windows\.json"):
        windows(read(described(tmp_path)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metrics": []}, "metrics"),
        ({"metrics": [METRICS[0], METRICS[0]]}, "two metrics have the same name"),
        ({"metrics": [{**METRICS[0], "file": "../a.csv"}]}, "relative"),
        ({"metrics": [{**METRICS[0], "file": "/a.csv"}]}, "relative"),
        ({"metrics": [{**METRICS[0], "series": "../../a.csv"}]}, "relative"),
        ({"metrics": [{**METRICS[0], "name": "with space"}]}, "name"),
        ({"labels": 3}, "labels"),
        ({"typo": 1}, "typo"),
    ],
)
def test_a_wrong_description_names_the_file_and_the_field(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(LabError, match=reason) as caught:
        read(described(tmp_path, **changes))
    assert caught.value.thing == str(tmp_path / "dataset.json")


def test_a_missing_or_broken_description_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"dataset\.json: no such file"):
        read(tmp_path)
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(LabError, match=r"dataset\.json: Invalid JSON") as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)
