"""Fetch series of the catalogue from Kaggle into the cache, checked by hash, within a given time.

A file enters the cache only when it is whole and its hash is right; whatever a broken attempt leaves behind lies in
a folder aside, which is removed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kafka_cluster.embedded.settings import CHECKOUT
from kafka_cluster.errors import LabError
from producer.catalogue import Catalogue, Entry, matches, normalised
from producer.files import write_whole

CHILD = (sys.executable, "-m", "producer.kaggle_download")
LONGEST_REASON = 200  # characters of a failure that go into the one line a person reads
WAY_OUT = "lay a NAB checkout beside the project, give --data, or let the generator make data"


def cache_root(lab_cache: Path) -> Path:
    """Where fetched series lie, in NAB's layout."""
    return lab_cache / "nab"


def cached(entry: Entry, lab_cache: Path) -> bool:
    """True when the cache has the series and its hash is right."""
    path = _place(entry, lab_cache)
    return path.is_file() and matches(entry, path.read_bytes())


def fetch(
    catalogue: Catalogue,
    entries: Sequence[Entry],
    lab_cache: Path,
    *,
    timeout_s: float,
    child: Sequence[str] = CHILD,
) -> list[Path]:
    """Fetch what is not cached yet; the paths of all `entries` in the cache.

    The whole attempt ends within `timeout_s`. Raises LabError when Kaggle cannot be reached, is too slow, or sends
    a file that is not the one in the catalogue; files that came whole before that stay in the cache.
    """
    missing = {catalogue.origin.path_on_kaggle(entry): entry for entry in entries if not cached(entry, lab_cache)}
    if missing:
        root = cache_root(lab_cache)
        _writable(root)
        with tempfile.TemporaryDirectory(dir=root, prefix=".fetch-") as aside, _progress(len(missing)) as advance:
            command = [*child, catalogue.origin.kaggle, aside, *missing]
            log, hub = root / "fetch.log", Path(aside, ".hub")
            with closing(_arrivals(command, timeout_s, log=log, kagglehub_cache=hub)) as arrivals:
                for path in arrivals:
                    _keep(missing[path], Path(aside, path).read_bytes(), lab_cache)
                    advance()
    return [_place(entry, lab_cache) for entry in entries]


def _place(entry: Entry, lab_cache: Path) -> Path:
    return cache_root(lab_cache) / "data" / entry.path


def _writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        reason = f"cannot be written to ({error.strerror})"
        raise LabError(str(folder), reason, "set LAB_CACHE to another folder") from None


def _keep(entry: Entry, content: bytes, lab_cache: Path) -> None:
    if not matches(entry, content):
        reason = f"what Kaggle sent does not have the sha256 {entry.sha256[:12]}… of data/catalogue.toml"
        raise LabError(entry.path, reason, f"it was not kept; {WAY_OUT}")
    write_whole(_place(entry, lab_cache), normalised(content))


def _arrivals(
    command: Sequence[str], timeout_s: float, *, log: Path, kagglehub_cache: Path
) -> Generator[str, None, None]:
    """Run the child and give each path as it arrives; the child is gone when this ends, however it ends."""
    python_path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": python_path, "KAGGLEHUB_CACHE": str(kagglehub_cache)}
    late = threading.Event()
    with (
        log.open("wb") as errors,
        subprocess.Popen(  # noqa: S603 - our own module, arguments from our own catalogue
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment, text=True
        ) as process,
    ):
        timer = threading.Timer(timeout_s, _end, (process, late))
        timer.start()
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker: stdout=PIPE makes it so
            for line in process.stdout:
                yield line.rstrip("\n")
            status = process.wait()
        finally:
            timer.cancel()
            process.kill()
    if late.is_set():
        raise LabError("Kaggle", f"not done within {timeout_s:g} s", f"what it said is in {log}; {WAY_OUT}")
    if status != 0:
        raise LabError("Kaggle", _last_line(log), f"what it said is in {log}; {WAY_OUT}")


def _end(process: subprocess.Popen[str], late: threading.Event) -> None:
    late.set()
    process.kill()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "the download ended without a word")
    return said if len(said) <= LONGEST_REASON else said[:LONGEST_REASON] + "…"


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, when that is a terminal; call what it gives for each file that is here."""
    console = Console(stderr=True)
    columns = (TextColumn("fetching from Kaggle"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)
