"""Whole lab commands, as a user types them: a bare environment, ports and a var folder of their own."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.embedded.settings import CHECKOUT, LabSettings

KEPT = ("PATH", "HOME", "LAB_CACHE", "XDG_CACHE_HOME", "LANG")


@dataclass(frozen=True)
class CommandLine:
    """`./lab` with an environment that no other test shares."""

    var: Path
    env: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [str(CHECKOUT / "lab"), *arguments]
        return subprocess.Popen(
            command, env=self.env, cwd=self.var, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str, timeout_s: float = 150) -> subprocess.CompletedProcess[str]:
        command = [str(CHECKOUT / "lab"), *arguments]
        return subprocess.run(
            command, env=self.env, cwd=self.var, capture_output=True, text=True, check=False, timeout=timeout_s
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        """What a command prints on the last line of its standard output; it must end with status 0."""
        ended = self.run(*arguments, "--json")
        assert ended.returncode == 0, ended.stderr
        return self.last(ended)

    @staticmethod
    def last(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
        """The JSON object on the last line of standard output."""
        loaded: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        return loaded

    def processes(self) -> list[str]:
        """The command lines of every process that was started with this environment."""
        mine = []
        for process in psutil.process_iter(["cmdline", "status"]):
            if process.info["status"] == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            try:
                inherited = process.environ().get("LAB_TEST") == self.env["LAB_TEST"]
            except (psutil.AccessDenied, psutil.NoSuchProcess):
                continue
            if inherited:
                mine.append(" ".join(process.info["cmdline"] or [])[:200])
        return mine


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    var = tmp_path_factory.mktemp("lab") / "var"
    var.mkdir()
    ports = dict(zip(("ZOOKEEPER", "BROKER", "REGISTRY"), map(str, pick_free(3)), strict=True))
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    env |= {f"LAB_{server}_PORT": port for server, port in ports.items()}
    # NUMBA_CACHE_DIR is shared with the checkout's own, so that each run need not compile.
    shared_cache = str(LabSettings.read().lab_var / "numba")
    return CommandLine(var, env | {"LAB_VAR": str(var), "LAB_TEST": str(var), "NUMBA_CACHE_DIR": shared_cache})
