from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kafka_cluster.embedded.artifacts import LOCK_FILE, Artifact, ArtifactStore, locked
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.errors import LabError


class Repository:
    """A Maven repository of this test: a folder behind a web server that counts what is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, list[str]()
        repository = self

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                """Count and serve."""
                repository.asked.append(self.path)
                super().do_GET()

            def log_message(self, *_arguments: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def publish(self, path: str, content: bytes) -> Artifact:
        """Put a file there; returns its line of the lock."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return Artifact("g:a:1:jar", path, len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    made = Repository(tmp_path / "repository")
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_every_locked_file_has_a_size_and_a_sha256_and_a_path_inside_the_repository() -> None:
    for artifacts in locked().values():
        assert artifacts
        for artifact in artifacts:
            assert artifact.size > 0
            assert re.fullmatch(r"[0-9a-f]{64}", artifact.sha256)
            assert not artifact.path.startswith(("/", "."))
            group, name, version = artifact.coordinates.split(":")[:3]
            assert artifact.path.startswith(f"{group.replace('.', '/')}/{name}/{version}/{name}-{version}")


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK_FILE.read_text()


def test_what_is_cached_is_not_fetched_again(repository: Repository, tmp_path: Path) -> None:
    lock = {"set": [repository.publish("g/a/1/a-1.jar", b"one"), repository.publish("g/b/1/b-1.jar", b"two")]}
    store = ArtifactStore(tmp_path / "cache", repository.url, lock)
    store.ensure(["set"])
    assert sorted(repository.asked) == ["/g/a/1/a-1.jar", "/g/b/1/b-1.jar"]
    assert [jar.read_bytes() for jar in store.jars("set")] == [b"one", b"two"]
    store.ensure(["set"])
    store.jars("set")[0].unlink()
    store.ensure(["set"])
    assert repository.asked[2:] == ["/g/a/1/a-1.jar"]


def test_a_file_with_another_hash_is_refused_and_not_kept(repository: Repository, tmp_path: Path) -> None:
    artifact = repository.publish("g/a/1/a-1.jar", b"as locked")
    repository.publish("g/a/1/a-1.jar", b"tampered!")
    store = ArtifactStore(tmp_path / "cache", repository.url, {"set": [artifact]})
    with pytest.raises(LabError, match=r"a-1\.jar: not the locked file: sha256 .* it was not kept"):
        store.ensure(["set"])
    assert not [path for path in (tmp_path / "cache" / "artifacts").rglob("*") if path.is_file()]


def test_a_missing_file_is_named_with_the_answer_and_the_way_out(repository: Repository, tmp_path: Path) -> None:
    artifact = repository.publish("g/a/1/a-1.jar", b"here")
    (repository.folder / artifact.path).unlink()
    store = ArtifactStore(tmp_path / "cache", repository.url, {"set": [artifact]})
    with pytest.raises(
        LabError, match=r"a-1\.jar: cannot be fetched \(the server answers 404\); .*LAB_MAVEN_REPOSITORY"
    ):
        store.ensure(["set"])


def test_without_a_network_one_line_says_so(tmp_path: Path) -> None:
    lock = {"set": [Artifact("g:a:1:jar", "g/a/1/a-1.jar", 1, "0" * 64)]}
    nobody = f"http://127.0.0.1:{pick_free(1)[0]}"
    with pytest.raises(LabError, match=r"cannot be fetched .*; check the network") as caught:
        ArtifactStore(tmp_path, nobody, lock).ensure(["set"])
    assert "\n" not in str(caught.value)


def test_what_arrived_before_a_failure_is_kept(repository: Repository, tmp_path: Path) -> None:
    here = repository.publish("g/a/1/a-1.jar", b"a larger one, which goes first")
    gone = repository.publish("g/b/1/b-1.jar", b"two")
    (repository.folder / gone.path).unlink()
    store = ArtifactStore(tmp_path / "cache", repository.url, {"set": [here, gone], "first": [here]})
    store.ensure(["first"])
    with pytest.raises(LabError):
        store.ensure(["set"])
    assert store.missing(["set"]) == [gone]


def test_a_file_of_another_size_counts_as_missing(repository: Repository, tmp_path: Path) -> None:
    artifact = repository.publish("g/a/1/a-1.jar", b"whole")
    store = ArtifactStore(tmp_path / "cache", repository.url, {"set": [artifact]})
    store.ensure(["set"])
    store.path(artifact).write_bytes(b"wh")
    assert store.missing(["set"]) == [artifact]


def test_a_file_damaged_in_the_cache_is_found_by_its_hash(repository: Repository, tmp_path: Path) -> None:
    artifact = repository.publish("g/a/1/a-1.jar", b"whole")
    store = ArtifactStore(tmp_path / "cache", repository.url, {"set": [artifact]})
    store.ensure(["set"])
    assert store.damaged(["set"]) == []
    store.path(artifact).write_bytes(b"whol3")
    assert store.damaged(["set"]) == [store.path(artifact)]


def store_of_tarball(repository: Repository, cache: Path, name: str = "lib/one.jar") -> ArtifactStore:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = 3
        archive.addfile(member, io.BytesIO(b"one"))
    artifact = repository.publish("g/a/1/a-1-all.tar.gz", content.getvalue())
    store = ArtifactStore(cache, repository.url, {"set": [artifact]})
    store.ensure(["set"])
    return store


def test_a_tarball_is_unpacked_by_a_python_that_knows_no_filters(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = tarfile.TarFile.extractall

    def without_filter(archive: tarfile.TarFile, path: Path) -> None:
        extract(archive, path)

    monkeypatch.delattr(tarfile, "data_filter", raising=False)  # as before 3.11.4
    monkeypatch.setattr(tarfile.TarFile, "extractall", without_filter)
    folder = store_of_tarball(repository, tmp_path / "cache").unpacked("set")
    assert (folder / "lib" / "one.jar").read_bytes() == b"one"


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="this Python knows no filters")
def test_nothing_of_a_tarball_lands_outside_of_its_folder(repository: Repository, tmp_path: Path) -> None:
    store = store_of_tarball(repository, tmp_path / "cache", "../../../outside")
    with pytest.raises(tarfile.OutsideDestinationError):
        store.unpacked("set")


def test_a_tarball_is_unpacked_once_and_whole(repository: Repository, tmp_path: Path) -> None:
    store = store_of_tarball(repository, tmp_path / "cache")
    folder = store.unpacked("set")
    assert (folder / "lib" / "one.jar").read_bytes() == b"one"
    (folder / "mark").touch()
    assert (store.unpacked("set") / "mark").exists()
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    lock = {"set": [Artifact("g:a:1:jar", "g/a/1/a-1.jar", 1, "0" * 64)]}
    with pytest.raises(LabError, match=r"cannot be written .*LAB_CACHE"):
        ArtifactStore(tmp_path / "cache", "http://127.0.0.1:1", lock).ensure(["set"])
