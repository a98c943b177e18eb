"""The servers' files: exactly those of the lock, kept in the user's cache, each checked by sha256 on its way in."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kafka_cluster.embedded import download
from kafka_cluster.errors import LabError

LOCK_FILE = Path(__file__).with_name("artifacts.lock.json")


@dataclass(frozen=True)
class Artifact:
    """One locked file: Maven coordinates, path in the repository, size in bytes, sha256 in hex."""

    coordinates: str
    path: str
    size: int
    sha256: str


Lock = Mapping[str, Sequence[Artifact]]


@cache
def locked() -> Lock:
    """The lock: the files of each set, by the set's name."""
    sets = json.loads(LOCK_FILE.read_text())["sets"]
    return {name: tuple(Artifact(**entry) for entry in entries) for name, entries in sets.items()}


class ArtifactStore:
    """The cache folder. Several processes may use it at once; a file with its final name is a whole, checked one."""

    def __init__(self, cache_folder: Path, repository: str | None = None, lock: Lock | None = None) -> None:
        self._folder = cache_folder
        self._repository = repository
        self._lock = locked() if lock is None else lock

    def path(self, artifact: Artifact) -> Path:
        """Where the file is, or will be."""
        return self._folder / "artifacts" / artifact.path

    def missing(self, sets: Sequence[str]) -> list[Artifact]:
        """What has to be fetched before the sets can be used."""
        wanted = [artifact for name in sets for artifact in self._lock[name]]
        return [artifact for artifact in wanted if not self._has(artifact)]

    def ensure(self, sets: Sequence[str]) -> None:
        """Fetch what is missing. Raises LabError, with the way out, when that is not possible."""
        if not self.missing(sets):
            return
        with self._alone():
            download.fetch(
                {
                    artifact.path: download.Wanted(self.path(artifact), artifact.size, artifact.sha256)
                    for artifact in self.missing(sets)  # asked again: another process may have fetched them
                },
                repository=self._repository,
            )

    def damaged(self, sets: Sequence[str]) -> list[Path]:
        """The cached files whose content is not the locked one: reads them all (half a second)."""
        wanted = [artifact for name in sets for artifact in self._lock[name]]
        return [self.path(one) for one in wanted if self._has(one) and _sha256(self.path(one)) != one.sha256]

    def jars(self, name: str) -> list[Path]:
        """The jars of a set, for a class path."""
        return [self.path(artifact) for artifact in self._lock[name] if artifact.path.endswith(".jar")]

    def unpacked(self, name: str) -> Path:
        """The folder with the content of the set's only tarball, unpacked at the first call."""
        (artifact,) = self._lock[name]
        folder = self._folder / "unpacked" / f"{Path(artifact.path).parent.parent.name}-{artifact.sha256[:12]}"
        if not folder.is_dir():
            with self._alone():
                if not folder.is_dir():
                    _unpack(self.path(artifact), folder)
        return folder

    def _has(self, artifact: Artifact) -> bool:
        path = self.path(artifact)
        return path.is_file() and path.stat().st_size == artifact.size

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time fetches or unpacks; the others wait and find the work done."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / "artifacts.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise LabError(
                str(self._folder), f"cannot be written ({error.strerror})", "LAB_CACHE sets another folder"
            ) from None


def _unpack(tarball: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with tarfile.open(tarball) as archive:
            # Python before 3.11.4 knows no filters, and is content with the hash that the file was checked by.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(aside)  # noqa: S202 - filtered where it can be, and locked by its hash
        aside.chmod(0o755)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
