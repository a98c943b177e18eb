"""The real Alertmanager, on a port of its own, for as long as the block lasts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.ports import pick_free

BINARIES = ("prometheus-alertmanager", "alertmanager")
START_S = 30.0
# Everything on one incident in one group, told at once.
CONFIG = """
route: {{receiver: sink, group_by: [incident], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: sink, webhook_configs: [{{url: "{receiver}", send_resolved: true}}]}}]
"""


@contextmanager
def alertmanager(folder: Path, receiver: str) -> Iterator[str]:
    """Its address. It sends what fires and what is resolved to `receiver`. Skips where it is not installed."""
    binary = next(filter(None, map(shutil.which, BINARIES)), None)
    if binary is None:
        pytest.skip("there is no Alertmanager; Debian: apt-get install prometheus-alertmanager")
    (folder / "alertmanager.yml").write_text(CONFIG.format(receiver=receiver))
    (port,) = pick_free(1)
    command = [
        binary, f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    url, clock = f"http://127.0.0.1:{port}", SystemClock()
    with (folder / "alertmanager.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            deadline = clock.monotonic() + START_S
            while not _ready(url):
                assert process.poll() is None, (folder / "alertmanager.log").read_text()
                assert clock.monotonic() < deadline, "Alertmanager does not answer"
                clock.sleep(0.1)
            yield url
        finally:
            process.terminate()


def alerts(url: str) -> list[dict[str, Any]]:
    """What it holds as firing."""
    found: list[dict[str, Any]] = httpx2.get(f"{url}/api/v2/alerts").json()
    return found


def _ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/-/ready").is_success
    except httpx2.TransportError:
        return False
