"""The model bundle: a folder `<models>/<name>/<version>/`, written aside and renamed into place.

forest.npz      flat arrays; loading them runs no code
profile.npz     what is usual
manifest.json   features in order, threshold, parameters, where the data came from, sha256 of the other files
model.joblib    the scikit-learn model, for notebooks; a service never loads it
evaluation.json, evaluation.png   added when the test part has been seen
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.errors import DetectorError
from detectors.forest import FlatForest
from detectors.model import Model
from detectors.profile import Profile

MANIFEST = "manifest.json"
FOREST = "forest.npz"
PROFILE = "profile.npz"
FORMAT = 1


class BundleError(DetectorError):
    """A bundle that must not be used."""


def write(model: Model, folder: Path, facts: dict[str, Any], extra: dict[str, bytes]) -> str:
    """Write the bundle to `folder`, which must not exist; returns the sha256 of its manifest.

    `facts` join the manifest; `extra` are further files by name. A reader sees the whole bundle or none of it.
    Raises BundleError when the folder is there already or the volume is full.
    """
    if folder.exists():
        raise BundleError(f"model bundle {folder}", "is there already", "bundles never change; choose a new version")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
    except OSError as error:
        raise BundleError(f"model bundle {folder}", f"cannot be written ({error})", "check the volume") from None
    try:
        digest = _fill(aside, model, facts, extra)
        aside.chmod(0o755)
        aside.rename(folder)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise BundleError(f"model bundle {folder}", f"cannot be written ({error})", "check the volume") from None
    return digest


def _fill(aside: Path, model: Model, facts: dict[str, Any], extra: dict[str, bytes]) -> str:
    np.savez(aside / FOREST, allow_pickle=False, **model.forest.arrays())
    rarity = {"tail": model.tail, "rows": np.asarray(model.rows)}
    np.savez(aside / PROFILE, allow_pickle=False, **model.profile.arrays(), **rarity)
    for name, content in extra.items():
        (aside / name).write_bytes(content)
    manifest = {
        "format": FORMAT,
        "version": model.version,
        "metrics": list(model.metrics),
        "features": list(model.features),
        "threshold": model.threshold,
        "top_score": model.top_score,
        **facts,
        "files": {path.name: _sha256(path.read_bytes()) for path in sorted(aside.iterdir())},
    }
    text = json.dumps(manifest, indent=2) + "\n"
    (aside / MANIFEST).write_text(text)
    for path in aside.iterdir():
        _sync(path)
    return _sha256(text.encode())


def read_manifest(folder: Path, expected_sha256: str | None = None) -> dict[str, Any]:
    """The manifest. Raises BundleError when it is missing, is not the announced one, or has another format."""
    try:
        text = (folder / MANIFEST).read_bytes()
        manifest: dict[str, Any] = json.loads(text)
    except (OSError, ValueError) as error:
        raise BundleError(f"model bundle {folder}", f"no readable manifest ({error})") from None
    if expected_sha256 is not None and _sha256(text) != expected_sha256:
        raise BundleError(f"model bundle {folder}", "its manifest is not the one that was announced")
    if manifest.get("format") != FORMAT:
        raise BundleError(f"model bundle {folder}", f"has format {manifest.get('format')}, this program reads {FORMAT}")
    return manifest


def load(folder: Path, expected_sha256: str | None = None) -> Model:
    """The model, after every hash has been checked. Raises BundleError."""
    manifest = read_manifest(folder, expected_sha256)
    for name, digest in manifest["files"].items():
        _check_file(folder, name, digest)
    profile = _arrays(folder / PROFILE)
    return Model(
        metrics=tuple(manifest["metrics"]),
        features=tuple(manifest["features"]),
        forest=FlatForest.from_arrays(_arrays(folder / FOREST)),
        profile=Profile.from_arrays(profile),
        threshold=float(manifest["threshold"]),
        top_score=float(manifest["top_score"]),
        version=str(manifest["version"]),
        tail=profile.get("tail", np.empty(0)),  # bundles of earlier versions have none
        rows=int(profile.get("rows", 0)),
    )


def _check_file(folder: Path, name: str, digest: str) -> None:
    try:
        found = _sha256((folder / name).read_bytes())
    except OSError as error:
        raise BundleError(f"model bundle {folder}", f"{name} cannot be read ({error})") from None
    if found != digest:
        raise BundleError(f"model bundle {folder}", f"{name} is not the file that was written (sha256 differs)")


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    with np.load(path, allow_pickle=False) as loaded:
        return dict(loaded)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
