"""A real Prometheus server (Debian's package) for tests: random port, its data in a folder of the test's."""

from __future__ import annotations

import shutil
import subprocess
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
        command = [
            str(PROMETHEUS), f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}", f"--web.listen-address=127.0.0.1:{self.port}",
        ]  # fmt: skip
        self._log = (self._folder / "prometheus.log").open("ab")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)
        clock = SystemClock()
        deadline = clock.monotonic() + READY_S
        while not self._is_ready():
            assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()
            assert clock.monotonic() < deadline, "Prometheus does not become ready"
            clock.sleep(0.1)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        self._log.close()

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/-/ready", timeout=5).status_code == 200
        except httpx2.HTTPError:
            return False
