"""A real Prometheus server (Debian's package) for tests: random port, its data in a folder of the test's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.ports import pick_free

PROMETHEUS = shutil.which("prometheus")
READY_S = 60.0


class PrometheusServer:
    """Scrapes `targets` every `every`; ends with `stop`, and may be started again where it was."""

    def __init__(self, folder: Path, targets: list[str], every: str = "250ms") -> None:
        if PROMETHEUS is None:
            pytest.skip("there is no Prometheus server (Debian: apt-get install prometheus)")
        (self.port,) = pick_free(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        jobs = f"[{{job_name: lab, static_configs: [{{targets: {targets}}}]}}]"
        (folder / "prometheus.yml").write_text(f"global: {{scrape_interval: {every}}}\nscrape_configs: {jobs}\n")

    def start(self) -> None:
        """Returns when it answers; its first scrape may come seconds later, see `wait_for`."""
        command = [
            str(PROMETHEUS), f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}", f"--web.listen-address=127.0.0.1:{self.port}",
        ]  # fmt: skip
        self._log = (self._folder / "prometheus.log").open("ab")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)
        self._until(self._is_ready, "readiness")

    def wait_for(self, query: str) -> None:
        """Until the query has a result."""
        self._until(lambda: self._results(query) > 0, query)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        self._log.close()

    def _until(self, reached: Callable[[], bool], what: str) -> None:
        clock = SystemClock()
        deadline = clock.monotonic() + READY_S
        while not reached():
            assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()
            assert clock.monotonic() < deadline, f"no {what} within {READY_S} s"
            clock.sleep(0.1)

    def _results(self, query: str) -> int:
        answer = httpx2.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=5).json()
        return len(answer["data"]["result"])

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/-/ready", timeout=5).status_code == 200
        except httpx2.HTTPError:
            return False
