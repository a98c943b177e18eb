from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kafka_cluster.dataset import Dataset, read, windows
from kafka_cluster.errors import LabError, one_clear_line
from producer import prepare as prepare_module
from producer.catalogue import CATALOGUE, Catalogue
from producer.data_settings import DataSettings
from producer.files import write_whole
from producer.load import load
from producer.prepare import main, prepare

LayOut = Callable[[Path], Path]


@pytest.fixture(autouse=True)
def little_catalogue(monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue) -> None:
    monkeypatch.setattr(prepare_module, "load_catalogue", lambda: catalogue)
    for name in ("LAB_DATA", "LAB_CACHE", "LAB_OFFLINE", "NAB_CHECKOUTS"):
        monkeypatch.delenv(name, raising=False)


def never(*_: Any, **__: Any) -> None:
    raise AssertionError("Kaggle must not be asked")


def run(tmp_path: Path, **settings: Any) -> Dataset:
    given = {"lab_cache": tmp_path / "cache", "nab_checkouts": (), "lab_offline": True, **settings}
    return prepare(tmp_path / "out", DataSettings.read(**given), fetch=never)


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_ino)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_only_the_chosen_series_and_their_labels_are_laid_ready(
    tmp_path: Path, lay_out: LayOut, contents: dict[str, bytes]
) -> None:
    nab = lay_out(tmp_path / "nab")
    (nab / "data" / "realAWSCloudwatch" / "other.csv").write_text("not wanted")
    dataset = run(tmp_path, lab_data=nab)
    laid = {name: content for name, (content, _) in snapshot(tmp_path / "out").items()}
    assert {name: laid[name] for name in laid if name.endswith(".csv")} == {
        f"data/{path}": content for path, content in contents.items()
    }
    assert set(json.loads(laid["labels/combined_windows.json"])) == set(contents)
    assert dataset == read(tmp_path / "out")
    assert [metric.name for metric in dataset.metrics] == ["network", "disk", "cpu"]
    assert {name: len(its) for name, its in windows(dataset).items()} == {"network": 1, "disk": 0, "cpu": 0}
    assert load(dataset).values.shape == (10, 3)


def test_the_description_says_where_the_data_came_from_and_can_be_moved(tmp_path: Path, lay_out: LayOut) -> None:
    dataset = run(tmp_path, lab_data=lay_out(tmp_path / "nab"))
    assert (dataset.source, dataset.name) == ("given", "cloudwatch")
    assert "as given" in dataset.why
    (tmp_path / "out").rename(tmp_path / "moved")
    assert load(read(tmp_path / "moved")).values.shape == (10, 3)


def test_a_second_run_with_the_same_source_leaves_every_file_as_it_is(
    tmp_path: Path, lay_out: LayOut, capsys: pytest.CaptureFixture[str]
) -> None:
    nab = lay_out(tmp_path / "nab")
    first = run(tmp_path, lab_data=nab)
    before = snapshot(tmp_path / "out")
    capsys.readouterr()
    assert run(tmp_path, lab_data=nab) == first
    assert snapshot(tmp_path / "out") == before


def test_another_source_replaces_the_data_and_its_labels(tmp_path: Path, lay_out: LayOut) -> None:
    run(tmp_path, generator_days=3)
    nab = lay_out(tmp_path / "nab")
    (nab / "labels" / "combined_windows.json").unlink()
    dataset = run(tmp_path, lab_data=nab)
    assert dataset == read(tmp_path / "out")
    assert dataset.labels is None
    assert windows(dataset) == {"network": [], "disk": [], "cpu": []}


def test_a_description_is_never_there_while_its_files_are_not(
    tmp_path: Path, lay_out: LayOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, generator_days=3)

    def dies_at_the_second(path: Path, content: bytes) -> None:
        if path.name == "dsk.csv":
            raise LabError(str(path), "no space left")
        write_whole(path, content)

    monkeypatch.setattr(prepare_module, "write_whole", dies_at_the_second)
    nab = lay_out(tmp_path / "nab")
    with pytest.raises(LabError, match="no space left"):
        run(tmp_path, lab_data=nab)
    assert not (tmp_path / "out" / "dataset.json").exists()
    monkeypatch.setattr(prepare_module, "write_whole", write_whole)
    assert load(run(tmp_path, lab_data=nab)).values.shape == (10, 3)


def test_with_nothing_else_to_be_had_the_data_is_generated(tmp_path: Path) -> None:
    dataset = run(tmp_path, generator_days=4, generator_seed=5)
    assert dataset.source == "generated"
    assert "seed 5" in dataset.why
    assert len(load(dataset).times_ms) == 4 * 288 - 2
    assert (tmp_path / "out" / "labels" / "kinds.json").is_file()


def own_dataset(folder: Path) -> Path:
    """A data set of somebody's own, with one metric in a place of its own."""
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "t.csv").write_text(
        "timestamp,value\n" + "".join(f"2020-01-01 00:0{minute}:00,{minute}\n" for minute in range(5))
    )
    metric = {"name": "temperature", "file": "deep/t.csv", "series": "mine/t.csv", "unit": "K"}
    described = {"name": "mine", "source": "me", "why": "mine", "metrics": [metric], "labels": None}
    (folder / "dataset.json").write_text(json.dumps(described))
    return folder


def test_a_data_set_with_its_own_description_is_taken_as_described(tmp_path: Path) -> None:
    dataset = run(tmp_path, lab_data=own_dataset(tmp_path / "mine"))
    assert (dataset.name, dataset.source, dataset.metrics[0].unit) == ("mine", "given", "K")
    assert load(dataset).values.tolist() == [[1.0], [2.0], [3.0]]


def test_a_data_set_that_lies_there_already_is_not_touched(tmp_path: Path) -> None:
    own_dataset(tmp_path / "out")
    before = snapshot(tmp_path / "out")
    dataset = run(tmp_path, lab_data=tmp_path / "out")
    assert snapshot(tmp_path / "out") == before
    assert load(dataset).values.shape == (3, 1)


def test_the_folder_of_the_catalogue_is_not_one_to_lay_data_in() -> None:
    with pytest.raises(LabError, match="DATASET_DIR"):
        prepare(CATALOGUE.parent, DataSettings.read(lab_offline=True))


def test_the_program_reads_its_settings_from_the_environment(
    tmp_path: Path, lay_out: LayOut, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATASET_DIR", str(tmp_path / "out"))
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "nab"))
    assert one_clear_line(main)() == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'nab'}: no such folder; correct --data (LAB_DATA), or leave it out\n"
    )
    lay_out(tmp_path / "nab")
    assert one_clear_line(main)() == 0
    printed = capsys.readouterr()
    assert "as given" in printed.err
    assert not printed.out
    assert read(tmp_path / "out").source == "given"
