"""Run a command that dies with the process that started it, even when that one is killed with SIGKILL.

`python -I -S leash.py PARENT_PID COMMAND …`: on Linux the kernel does it (PR_SET_PDEATHSIG outlives exec, so
nothing of this file stays in memory); elsewhere this process stays and watches. The kernel's signal comes when
the *thread* that started us ends: start leashed processes from the main thread. Standard library alone, because
it runs without site-packages.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LOOK_EVERY_S = 0.5


def main() -> int:  # noqa: RET503 - exec does not return
    """Leash, then become (or watch) the command. Exit status 1 when the parent is gone already."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform != "linux":
        return _watch(parent, command)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.stderr.write(f"leash: prctl failed: {os.strerror(ctypes.get_errno())}\n")
        return 1
    if os.getppid() != parent:  # it died before the leash was on
        return 1
    os.execvp(command[0], command)  # noqa: S606 - the lab's own command, no shell wanted


def _watch(parent: int, command: list[str]) -> int:
    child = subprocess.Popen(command)  # noqa: S603 - the lab's own command

    def forward(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, forward)
    while True:
        try:
            return child.wait(timeout=LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.kill()


if __name__ == "__main__":
    sys.exit(main())
