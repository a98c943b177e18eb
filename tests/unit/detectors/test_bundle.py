from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from detectors import bundle
from detectors.model import Model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models" / "cloudwatch" / "v1"


def test_a_loaded_model_scores_like_the_one_that_was_written(model: Model, folder: Path) -> None:
    digest = bundle.write(model, folder, {"name": "cloudwatch"}, {"model.joblib": b"x"})
    loaded = bundle.load(folder, digest)
    times = np.arange(50, dtype=np.int64) * 300_000
    values = np.random.default_rng(0).lognormal(5, 3, (50, 3))
    assert loaded.score(times, values).tolist() == model.score(times, values).tolist()
    assert (loaded.threshold, loaded.features, loaded.version) == (model.threshold, model.features, "v1")
    assert loaded.profile.expected(times).tolist() == model.profile.expected(times).tolist()


@pytest.mark.parametrize("name", ["forest.npz", "profile.npz", "model.joblib"])
def test_a_file_that_was_changed_after_writing_is_refused(model: Model, folder: Path, name: str) -> None:
    bundle.write(model, folder, {}, {"model.joblib": b"x"})
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(bundle.BundleError, match=f"{name} is not the file that was written"):
        bundle.load(folder)


def test_a_missing_file_is_named(model: Model, folder: Path) -> None:
    bundle.write(model, folder, {}, {})
    (folder / "forest.npz").unlink()
    with pytest.raises(bundle.BundleError, match=r"forest\.npz cannot be read"):
        bundle.load(folder)


def test_a_manifest_other_than_the_announced_one_is_refused(model: Model, folder: Path) -> None:
    bundle.write(model, folder, {}, {})
    with pytest.raises(bundle.BundleError, match="not the one that was announced"):
        bundle.load(folder, "0" * 64)


def test_a_bundle_of_another_format_is_refused(model: Model, folder: Path) -> None:
    bundle.write(model, folder, {}, {})
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(bundle.BundleError, match="has format 99"):
        bundle.load(folder)


def test_a_version_is_never_written_twice(model: Model, folder: Path) -> None:
    bundle.write(model, folder, {}, {})
    with pytest.raises(bundle.BundleError, match="there already"):
        bundle.write(model, folder, {}, {})


def test_a_failed_write_leaves_nothing_behind(model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_arrays: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(bundle.BundleError, match="No space left"):
        bundle.write(model, folder, {}, {})
    assert list(folder.parent.iterdir()) == []


def test_loading_runs_no_code(model: Model, folder: Path) -> None:
    """The pickle that could run code is not opened: a bundle whose joblib file is rubbish loads."""
    bundle.write(model, folder, {}, {"model.joblib": b"rubbish"})
    assert bundle.load(folder).version == "v1"
