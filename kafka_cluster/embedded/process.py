"""Local processes by identity: a pid alone is not one, because the system hands pids out again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from kafka_cluster.clock import Clock, SystemClock
from kafka_cluster.errors import LabError

LEASH = Path(__file__).with_name("leash.py")
# Start times are computed from the boot time, which moves by up to a second with the clock's adjustments.
SAME_START_S = 2.0
LOOK_EVERY_S = 0.02

Ending = Literal["was not running", "stopped", "killed"]

# Our own children, so that they are reaped when they end and do not stay as zombies.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Process:
    """One process: its pid together with its start time, in seconds since the epoch."""

    name: str
    pid: int
    started: float

    def find(self) -> psutil.Process | None:
        """The living process with this identity; None when it ended, or when its pid is somebody else's."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) <= SAME_START_S
            return found if same and _runs(found) else None
        except psutil.NoSuchProcess:
            return None

    def is_alive(self) -> bool:
        """True while it runs."""
        return self.find() is not None

    def rss_bytes(self) -> int:
        """Resident memory, children included; 0 when it does not run."""
        found = self.find()
        if found is None:
            return 0
        total = 0
        for one in _family(found):
            with suppress(psutil.NoSuchProcess):
                total += int(one.memory_info().rss)
        return total


def spawn(
    name: str,
    command: Sequence[str],
    log_path: Path,
    *,
    env: Mapping[str, str] | None = None,
    leashed: bool = False,
    cwd: Path | None = None,
) -> Process:
    """Start `command` with its output in `log_path`, in a session of its own (the terminal's Ctrl-C is ours).

    `env` is the whole environment; this process's own when not given. Leashed, it dies with the thread that
    called this: call it from the main thread. Raises LabError when the command cannot be started.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    leash = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid())] if leashed else []
    try:
        with log_path.open("ab") as log:
            child = subprocess.Popen(  # noqa: S603 - the lab's own commands
                [*leash, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
            )
    except OSError as error:
        raise LabError(name, f"cannot start {command[0]} ({error.strerror})") from None
    _children[child.pid] = child
    return Process(name, child.pid, _start_time(child.pid))


def stop(process: Process, timeout_s: float = 10.0, clock: Clock | None = None) -> Ending:
    """SIGTERM, up to `timeout_s` for a clean end, then SIGKILL. Says how it ended; never touches another's pid."""
    found = process.find()
    if found is None:
        return "was not running"
    family = _family(found)
    with suppress(psutil.NoSuchProcess):
        found.terminate()
    clock = clock or SystemClock()
    left = _wait([found], timeout_s, clock)
    for one in family:  # itself, if it would not end, and children that it left behind
        with suppress(psutil.NoSuchProcess):
            one.kill()
    _wait(family, timeout_s, clock)
    process.find()  # reaps it
    return "killed" if left else "stopped"


def running(marker: str) -> Iterator[Process]:
    """Every process that has `marker` as an argument of its command line."""
    for one in psutil.process_iter(["cmdline", "create_time"]):
        if marker in (one.info["cmdline"] or ()):
            yield Process(one.name(), one.pid, one.info["create_time"])


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]


def _wait(family: list[psutil.Process], timeout_s: float, clock: Clock) -> list[psutil.Process]:
    """Those still running after the time. A zombie has ended: its parent, or init, may reap it much later."""
    deadline = clock.monotonic() + timeout_s
    while family := [one for one in family if _runs(one)]:
        if clock.monotonic() >= deadline:
            break
        clock.sleep(LOOK_EVERY_S)
    return family


def _runs(process: psutil.Process) -> bool:
    """False once it can be reaped. One that is a zombie by its first thread alone still holds its ports."""
    child = _children.get(process.pid)
    if child is not None:
        if child.poll() is None:
            return True
        del _children[process.pid]  # reaped: from now on the pid may be somebody else's
        return False
    try:
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def _start_time(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:  # it ended at once; whoever waits for it will say so
        return 0.0
