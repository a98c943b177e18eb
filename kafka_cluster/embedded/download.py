"""Fetch files over HTTP, several at a time, hashed while they stream, and only whole ones keep their name."""

from __future__ import annotations

import hashlib
import os
import ssl
import sys
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import truststore
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from kafka_cluster.errors import LabError

AT_A_TIME = 6
ATTEMPTS = 3  # a whole file again after a connection that broke in the middle
TIMEOUT_S = httpx2.Timeout(30.0, connect=10.0)
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Wanted:
    """Where a file goes, its size in bytes and its sha256 in hex."""

    to: Path
    size: int
    sha256: str


def fetch(files: Mapping[str, Wanted], repository: str | None = None) -> None:
    """Fetch each file (by its path below the repository's URL). Raises LabError at the first that fails.

    What arrived whole stays, so that a second call only fetches the rest.
    """
    if not files:
        return
    if repository is None:
        repository = _public_repository()
    total = sum(wanted.size for wanted in files.values())
    with _bar(len(files), total) as bar:
        task = bar.add_task(f"{len(files)} files of the servers", total=total)
        with _client() as client:
            job = _Job(client, repository.rstrip("/"), bar, task)
            _all(job, files)
    sys.stderr.write(f"fetched {len(files)} files, {total / 1e6:.0f} MB\n")


class _Job:
    """What the download threads share."""

    def __init__(self, client: httpx2.Client, repository: str, bar: Progress, task: TaskID) -> None:
        self._client, self._repository, self._bar, self._task = client, repository, bar, task
        self.cancelled = threading.Event()

    def fetch(self, path: str, wanted: Wanted) -> None:
        """One file: aside, checked, renamed. Raises LabError."""
        url = f"{self._repository}/{path}"
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(url, wanted)
            except httpx2.HTTPStatusError as error:
                raise _refused(url, f"the server answers {error.response.status_code}") from None
            except httpx2.TransportError as error:
                if attempt == ATTEMPTS or self.cancelled.is_set():
                    raise _refused(url, str(error) or type(error).__name__) from None
        return None

    def _attempt(self, url: str, wanted: Wanted) -> None:
        wanted.to.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".part-", dir=wanted.to.parent)
        aside, received = Path(name), 0
        digest = hashlib.sha256()
        try:
            with os.fdopen(descriptor, "wb") as file, self._client.stream("GET", url) as response:
                response.raise_for_status()
                for chunk in response.iter_raw(CHUNK_BYTES):
                    if self.cancelled.is_set():
                        return
                    file.write(chunk)
                    digest.update(chunk)
                    received += len(chunk)
                    self._advance(len(chunk))
                file.flush()
                os.fsync(file.fileno())  # the name vouches for the content, also after a power cut
            _check(url, wanted, received, digest.hexdigest())
            aside.replace(wanted.to)
        except httpx2.TransportError:
            self._advance(-received)
            raise
        finally:
            with suppress(FileNotFoundError):
                aside.unlink()

    def _advance(self, count: int) -> None:
        self._bar.advance(self._task, count)


def _all(job: _Job, files: Mapping[str, Wanted]) -> None:
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="download") as pool:
        largest_first = sorted(files.items(), key=lambda item: -item[1].size)
        futures: list[Future[None]] = [pool.submit(job.fetch, path, wanted) for path, wanted in largest_first]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:  # Ctrl-C too: the threads must end before we do
            job.cancelled.set()
            pool.shutdown(cancel_futures=True)
            raise


def _check(url: str, wanted: Wanted, received: int, sha256: str) -> None:
    if sha256 != wanted.sha256:
        raise LabError(
            url,
            f"not the locked file: sha256 {sha256[:12]}… of {received} bytes, expected {wanted.sha256[:12]}… "
            f"of {wanted.size}; it was not kept",
            "if a proxy answers in place of the repository, LAB_MAVEN_REPOSITORY names another",
        )


def _refused(url: str, reason: str) -> LabError:
    return LabError(
        url,
        f"cannot be fetched ({reason})",
        "check the network, or set LAB_MAVEN_REPOSITORY to a repository that this machine reaches, and run again: "
        "what arrived is kept",
    )


def _client() -> httpx2.Client:
    # The system's certificates: company proxies are known there, not in a bundled list.
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.Client(
        verify=context, timeout=TIMEOUT_S, follow_redirects=True, headers={"Accept-Encoding": "identity"}
    )


def _bar(count: int, total: int) -> Progress:
    console = Console(stderr=True)
    if not console.is_terminal:
        sys.stderr.write(f"fetching {count} files, {total / 1e6:.0f} MB\n")
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _public_repository() -> str:
    # Published by jgo, which costs a second to import: only when something is to be fetched.
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415

    return str(MAVEN_CENTRAL_URL)
