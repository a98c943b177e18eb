"""var/cluster.json: what runs, where, under which identity; and the lock that lets one command at a time change it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kafka_cluster.embedded.process import Process
from kafka_cluster.errors import LabError

VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One server as it was started. Times are seconds since the epoch."""

    name: str
    pid: int
    started: float  # the process's start time, part of its identity
    port: int
    log: str
    since: float
    leashed_to: int | None  # pid of the command that it dies with

    @property
    def process(self) -> Process:
        """The process's identity."""
        return Process(self.name, self.pid, self.started)


class State:
    """The file. Written aside and renamed, so that a reader never sees half of it."""

    WAY_OUT = "`./lab down` finds the servers by their command lines, stops them and clears it"

    def __init__(self, var: Path) -> None:
        self.path = var / "cluster.json"
        self._lock = var / "cluster.lock"

    def read(self) -> dict[str, Entry]:
        """What is noted, by server name. Raises LabError on a file that cannot be understood."""
        try:
            noted = json.loads(self.path.read_text())
            entries = {entry["name"]: Entry(**entry) for entry in noted["servers"]}
            version = noted["version"]
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(
                str(self.path),
                f"is not the lab's ({error})",
                self.WAY_OUT,
            ) from None
        if version != VERSION:
            raise LabError(str(self.path), f"is of version {version}, not {VERSION}", self.WAY_OUT)
        return entries

    def write(self, entries: dict[str, Entry]) -> None:
        """Note what runs; nothing leaves no file."""
        if not entries:
            self.path.unlink(missing_ok=True)
            return
        aside = self.path.with_suffix(".tmp")
        noted = {"version": VERSION, "servers": [asdict(entry) for entry in entries.values()]}
        aside.write_text(json.dumps(noted, indent=1) + "\n")
        aside.replace(self.path)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock. Raises LabError when another command holds it; a killed holder holds nothing."""
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            file = self._lock.open("a+")
        except OSError as error:
            raise LabError(
                str(self._lock), f"cannot be written ({error.strerror})", "LAB_VAR sets another folder"
            ) from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise LabError(
                    "cluster",
                    f"another command (pid {holder}) is starting or stopping it",
                    "wait until it is done",
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield
