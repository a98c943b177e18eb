"""The real child process is replaced by a script that lies next to the test: a local double of Kaggle."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kafka_cluster.embedded.settings import CHECKOUT
from kafka_cluster.errors import LabError
from producer.catalogue import Catalogue
from producer.kaggle import CHILD, cache_root, cached, fetch

DOUBLE = """
import pathlib, shutil, sys, time
published, behaviour, handle, folder, *paths = sys.argv[1:]
assert handle == "somebody/little", handle
for number, path in enumerate(paths):
    if behaviour == "fails" and number == 1:
        print("chatter", file=sys.stderr)
        sys.exit("the server said no")
    target = pathlib.Path(folder, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    source = pathlib.Path(published, pathlib.Path(path).name)
    if behaviour == "hangs" and number == 1:
        target.write_bytes(source.read_bytes()[:20])
        time.sleep(600)
    shutil.copyfile(source, target)
    print(path, flush=True)
"""


@pytest.fixture
def published(tmp_path: Path, contents: dict[str, bytes]) -> Path:
    """What the double of Kaggle gives, with the line ends of another system."""
    folder = tmp_path / "published"
    folder.mkdir()
    for path, content in contents.items():
        (folder / Path(path).name).write_bytes(content.replace(b"\n", b"\r\n"))
    return folder


def double(published: Path, behaviour: str) -> list[str]:
    return [sys.executable, "-c", DOUBLE, str(published), behaviour]


def kept(cache: Path) -> list[str]:
    """The series in the cache, by name."""
    return sorted(path.name for path in cache_root(cache).rglob("*") if path.is_file() and path.suffix != ".log")


def test_fetched_series_are_in_the_cache_and_equal_to_the_published_ones(
    tmp_path: Path, catalogue: Catalogue, published: Path, contents: dict[str, bytes]
) -> None:
    paths = fetch(catalogue, catalogue.series, tmp_path, timeout_s=60, child=double(published, "works"))
    assert [path.read_bytes() for path in paths] == list(contents.values())
    assert all(cached(entry, tmp_path) for entry in catalogue.series)
    assert kept(tmp_path) == ["dsk.csv", "net.csv", "prc.csv"]


def test_what_is_cached_is_not_fetched_again_and_what_was_damaged_is(
    tmp_path: Path, catalogue: Catalogue, published: Path
) -> None:
    first, *_ = fetch(catalogue, catalogue.series, tmp_path, timeout_s=60, child=double(published, "works"))
    nothing_published = tmp_path / "empty"
    fetch(catalogue, catalogue.series, tmp_path, timeout_s=60, child=double(nothing_published, "works"))
    whole = first.read_bytes()
    first.write_bytes(whole[:50])
    assert not cached(catalogue.series[0], tmp_path)
    fetch(catalogue, catalogue.series, tmp_path, timeout_s=60, child=double(published, "works"))
    assert first.read_bytes() == whole


def test_a_series_with_a_wrong_hash_is_refused_and_not_cached(
    tmp_path: Path, catalogue: Catalogue, published: Path
) -> None:
    shutil.copyfile(published / "dsk.csv", published / "net.csv")
    with pytest.raises(LabError, match=r"realAWSCloudwatch/net\.csv: .*sha256"):
        fetch(catalogue, catalogue.series, tmp_path, timeout_s=60, child=double(published, "works"))
    assert kept(tmp_path) == []


def test_a_failure_is_one_line_with_the_reason_and_keeps_only_what_came_whole(
    tmp_path: Path, catalogue: Catalogue, published: Path
) -> None:
    with pytest.raises(LabError, match=r"^Kaggle: the server said no; what it said is in .*fetch\.log") as caught:
        fetch(catalogue, catalogue.series, tmp_path, timeout_s=60, child=double(published, "fails"))
    assert "\n" not in str(caught.value)
    assert kept(tmp_path) == ["net.csv"]
    assert "chatter" in (cache_root(tmp_path) / "fetch.log").read_text()


def test_the_attempt_ends_at_the_time_out_and_leaves_nothing_half_written(
    tmp_path: Path, catalogue: Catalogue, published: Path
) -> None:
    with pytest.raises(LabError, match="not done within 2 s"):
        fetch(catalogue, catalogue.series, tmp_path, timeout_s=2, child=double(published, "hangs"))
    assert set(kept(tmp_path)) <= {"net.csv"}
    assert not list(cache_root(tmp_path).glob(".fetch-*"))


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="LAB_CACHE"):
        fetch(catalogue, catalogue.series, tmp_path / "file", timeout_s=1)


def test_kagglehub_itself_fails_with_one_line_where_there_is_no_way_out(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        only_way_out(monkeypatch, closed)
        with pytest.raises(LabError, match=r"^Kaggle: .* cannot be reached") as caught:
            fetch(catalogue, catalogue.series, tmp_path, timeout_s=60)
    assert "\n" not in str(caught.value)
    assert kept(tmp_path) == []


def test_the_child_ends_when_its_parent_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        only_way_out(monkeypatch, silent)
        monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
        command = [*CHILD, "somebody/little", str(tmp_path), "a/a/a.csv"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            request, _ = silent.accept()  # it is up, and waits for an answer that does not come
            with request:
                assert child.stdin is not None
                child.stdin.close()
                assert child.wait(timeout=60) == 1


def test_kagglehub_itself_is_ended_where_nothing_answers(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        only_way_out(monkeypatch, silent)
        with pytest.raises(LabError, match=r"not done within 1\.5 s"):
            fetch(catalogue, catalogue.series, tmp_path, timeout_s=1.5)
    assert kept(tmp_path) == []


def only_way_out(monkeypatch: pytest.MonkeyPatch, proxy: socket.socket) -> None:
    """Send every request of the child to this socket, so that no test reaches Kaggle."""
    for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
