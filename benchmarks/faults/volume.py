"""A small volume of its own for a broker's data, which can be full without harm to anybody else.

A tmpfs in a mount namespace of this process: the volume goes when the last process in it ends, however it ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from kafka_cluster.errors import LabError

ENTERED = "LAB_OWN_MOUNTS"
SIZE_MB = 256
CHUNK = b"\0" * (1 << 20)


def enter() -> str | None:
    """Go on in a mount namespace of our own; returns, in it, None, or why there can be none here.

    Starts this process's command line again (the pid stays), so call it before anything else happens.
    """
    if os.environ.get(ENTERED):
        return None
    unshare = shutil.which("unshare")
    if unshare is None:
        return "there is no `unshare` here (util-linux)"
    own = [unshare, "--mount"] if os.geteuid() == 0 else [unshare, "--mount", "--user", "--map-root-user"]
    tried = subprocess.run([*own, "true"], capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if tried.returncode != 0:
        return f"no mount namespace of our own ({tried.stderr.strip()})"
    os.environ[ENTERED] = "1"
    os.execv(unshare, [*own, "--", sys.executable, "-m", "commands", *sys.argv[1:]])  # noqa: S606 - no shell wanted
    raise AssertionError("unreachable: exec does not return")


def mount(folder: Path) -> None:
    """An empty volume of SIZE_MB at `folder`. Raises LabError."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if made.returncode != 0:
        raise LabError(str(folder), f"no volume can be mounted there ({made.stderr.strip()})")


def unmount(folder: Path) -> None:
    """Give the volume back; harmless where there is none."""
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)  # noqa: S603, S607 - our own command


def fill(folder: Path) -> Path:
    """Fill the volume to the last byte with one file, which is returned."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        size = len(CHUNK)
        while size:
            try:
                file.write(CHUNK[:size])
            except OSError:  # no room for that much
                size //= 2
    return filler
