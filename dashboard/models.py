"""The champion as the page needs it: the model to score what it draws, the manifest and the evaluation to show."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detectors import bundle
from detectors.errors import DetectorError
from detectors.model import Model
from kafka_cluster.log import get_logger
from kafka_cluster.records import ModelAnnouncement, Role

EVALUATION_PNG = "evaluation.png"
HISTORY_KEPT = 50
log = get_logger()


@dataclass(frozen=True)
class Champion:
    """The newest champion. Without its bundle in reach, `model` is None and `why` says why."""

    announcement: ModelAnnouncement
    model: Model | None
    manifest: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    why: str = ""

    @property
    def evaluation(self) -> dict[str, Any] | None:
        """Content of evaluation.json as it was announced."""
        text = self.announcement.evaluation
        return None if text is None else dict(json.loads(text))

    @property
    def plot(self) -> Path | None:
        """The evaluation plot, once there is one."""
        path = None if self.folder is None else self.folder / EVALUATION_PNG
        return path if path is not None and path.is_file() else None


def load_champion(announcement: ModelAnnouncement, models_dir: Path) -> Champion:
    """The bundle behind an announcement. What is wrong with it is told, not raised: the page shows the rest."""
    folder = (models_dir / announcement.path).resolve()
    if not folder.is_relative_to(models_dir.resolve()):
        return Champion(announcement, None, why=f"path {announcement.path!r} leads out of the models directory")
    try:
        manifest = bundle.read_manifest(folder, announcement.manifest_sha256)
        model = bundle.load(folder, announcement.manifest_sha256)
    except DetectorError as error:
        log.warning("champion not shown", model_version=announcement.version, error=str(error))
        return Champion(announcement, None, why=str(error))
    model.forest.warm()
    return Champion(announcement, model, manifest, folder)


def is_champion(announcement: ModelAnnouncement, name: str) -> bool:
    """True for the announcement of a champion of that name."""
    return announcement.role is Role.CHAMPION and announcement.name == name
