from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.data import app
from kafka_cluster.dataset import read
from kafka_cluster.errors import LabError

runner = CliRunner()


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    for name in ("GENERATOR_SEED", "GENERATOR_DAYS"):
        monkeypatch.delenv(name, raising=False)


def last_line(arguments: list[str]) -> dict[str, object]:
    result = runner.invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    loaded: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return loaded


def test_list_names_every_series_for_people_and_for_machines() -> None:
    told = runner.invoke(app, ["list"], catch_exceptions=False).stdout
    listed = last_line(["list", "--json"])["series"]
    assert isinstance(listed, list)
    assert len(listed) == 17
    assert all(series["series"].rpartition("/")[2] in told for series in listed)
    assert not any(series["cached"] for series in listed)


def test_generate_writes_a_data_set_under_var_and_tells_its_size(tmp_path: Path) -> None:
    told = last_line(["generate", "--days", "3", "--seed", "1", "--json"])
    folder = tmp_path / "var" / "data" / "generated"
    assert told["out"] == str(folder)
    assert told["rows"] == 3 * 288 - 2
    assert [metric.name for metric in read(folder).metrics] == ["network", "disk", "cpu"]


def test_generate_does_what_the_seed_says(tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        last_line(["generate", "--days", "3", "--seed", seed, "--out", str(tmp_path / name), "--json"])
    a, b, c = ((tmp_path / name / "data" / "generated" / "cpu.csv").read_bytes() for name in "abc")
    assert a == b != c


def test_too_few_days_are_refused_by_name() -> None:
    with pytest.raises(LabError, match="GENERATOR_DAYS must be >= 3, got 2"):
        runner.invoke(app, ["generate", "--days", "2"], catch_exceptions=False)
