"""Programs of the lab as processes, with a log in JSON that is read back line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_S = 120
Events = list[dict[str, Any]]


class Program:
    """`python -m name`. Of the environment it sees only what it needs, and the settings."""

    def __init__(self, name: str, folder: Path, **settings: str) -> None:
        needed = {name: os.environ[name] for name in ("PATH", "HOME", "NUMBA_CACHE_DIR") if name in os.environ}
        env = {**needed, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LOG_FORMAT": "json"} | settings
        self.name, self._log = name, folder / f"{name}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", name], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=log, text=True
            )

    @property
    def log(self) -> str:
        """Its standard error, so far."""
        return self._log.read_text()

    def said(self, event: str) -> Events:
        """Its events of that name so far; a line that is not whole yet is left out."""
        whole = [line for line in self.log.splitlines(keepends=True) if line.endswith("\n")]
        return [one for one in map(json.loads, whole) if one["event"] == event]

    def end(self, *, ask: bool = False) -> tuple[int, Events]:
        """Its exit status, once it has ended or was asked to, and what it said: every line an event, nothing else."""
        if ask:
            self.process.terminate()
        out, _ = self.process.communicate(timeout=TIMEOUT_S)
        assert out == ""
        events: Events = [json.loads(line) for line in self.log.splitlines()]
        assert all({"event", "level", "timestamp"} <= event.keys() for event in events), self.log
        return self.process.returncode, events

    def kill(self) -> None:
        """Whatever it is doing. Harmless when it has ended."""
        self.process.kill()
        self.process.communicate(timeout=TIMEOUT_S)
