"""The notebooks define nothing, carry no results, and run from top to bottom on what a demo leaves behind."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from consumer_training.fit import fit
from consumer_training.rows import Rows
from consumer_training.settings import TrainingSettings
from detectors import bundle
from producer.load import load
from producer.prepare import write_generated

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return found


def code(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the notebooks read: a data set and a bundle trained on its first 60 %."""
    var = tmp_path_factory.mktemp("var")
    merged = load(write_generated(var / "demo" / "data", seed=1, days=7))
    cut = int(0.6 * len(merged.times_ms))
    zeros = np.zeros(cut, np.int64)
    rows = Rows(merged.times_ms[:cut], merged.values[:cut], zeros, zeros)
    fitted = fit(rows, TrainingSettings.read(metrics=merged.names), "20260101T000000Z")
    facts = {"parameters": {"contamination": 0.02}}
    bundle.write(fitted.model, var / "demo" / "models" / "made" / fitted.model.version, facts, {})
    return var


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(mpl, "get_backend", lambda: "agg")
    plt.switch_backend("agg")
    yield
    plt.close("all")


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_defines_nothing_and_carries_no_results(path: Path) -> None:
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    assert not [node for cell in code(path) for node in ast.walk(ast.parse(cell)) if isinstance(node, defined)]
    assert not [cell for cell in cells(path) if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("drawn")
def test_it_runs_from_top_to_bottom(path: Path, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_VAR", str(demo))
    monkeypatch.setenv("LAB_ROOT", str(ROOT))
    names: dict[str, Any] = {"__name__": path.stem}
    for number, cell in enumerate(code(path)):
        exec(compile(cell, f"{path.name}[{number}]", "exec"), names)  # noqa: S102 - it is the repository's own
    assert len(plt.get_fignums()) >= 1
