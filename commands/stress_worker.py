"""`python -m commands.stress_worker SECONDS FOLDER`: bounded work that every metric of a host shows, then the end.

Threads that burn every core, write to a file and send to themselves over loopback. It is niced, holds one file without
a name (so that nothing is left, however it ends) and at most 64 MiB of disk; it ends by itself after SECONDS. Started
on a leash, it dies with whoever started it.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from kafka_cluster.clock import Clock, Stop, SystemClock

NICE = 10
CHUNK = b"\x5a" * (1 << 20)
FILE_BYTES = 64 << 20  # written over again and again
DISK_BYTES_S = 60e6
LOOPBACK_BYTES_S = 150e6
SYNC_EVERY = 4  # chunks, so that the disk gets them while they are looked for


def main() -> int:
    """Work until the time is over, or SIGTERM."""
    seconds, folder = float(sys.argv[1]), Path(sys.argv[2])
    os.nice(NICE)
    stop = Stop().on_signals()
    clock = SystemClock(stop)
    until = clock.monotonic() + seconds
    works: list[Callable[[], None]] = [
        *[lambda: burn(stop)] * (os.cpu_count() or 1),
        lambda: write(folder, clock, stop),
        lambda: send(clock, stop),
    ]
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    clock.sleep(until - clock.monotonic())
    stop.request()
    for thread in threads:
        thread.join(timeout=2.0)
    return 0


def burn(stop: Stop) -> None:
    """Hash, which needs a core and nothing else; Python lets other threads run meanwhile."""
    while not stop.requested:
        hashlib.blake2b(CHUNK).digest()


def write(folder: Path, clock: Clock, stop: Stop) -> None:
    """Write to a file without a name in `folder`, DISK_BYTES_S at most. Ends early where the disk is full."""
    pace = Pace(DISK_BYTES_S, clock)
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            chunks = 0
            while not stop.requested:
                if file.tell() >= FILE_BYTES:
                    file.seek(0)
                file.write(CHUNK)
                chunks += 1
                if chunks % SYNC_EVERY == 0:
                    os.fsync(file.fileno())
                pace.wait(len(CHUNK))
    except OSError as error:
        print(f"stress: no more writing ({error})", file=sys.stderr)


def send(clock: Clock, stop: Stop) -> None:
    """Send over loopback to itself, LOOPBACK_BYTES_S at most."""
    pace = Pace(LOOPBACK_BYTES_S, clock)
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as near:
        far, _ = listening.accept()
        with far:
            threading.Thread(target=_drain, args=(far,), daemon=True).start()
            while not stop.requested:
                near.sendall(CHUNK)
                pace.wait(len(CHUNK))


class Pace:
    """Sleeps so long that no more than so many bytes a second go on average."""

    def __init__(self, bytes_s: float, clock: Clock) -> None:
        self._bytes_s, self._clock = bytes_s, clock
        self._due = clock.monotonic()

    def wait(self, done: int) -> None:
        """After so many bytes more. What was missed is not made up for."""
        self._due = max(self._due, self._clock.monotonic() - 0.1) + done / self._bytes_s
        self._clock.sleep(self._due - self._clock.monotonic())


def _drain(far: socket.socket) -> None:
    try:
        while far.recv(1 << 20):
            pass
    except OSError:
        return  # the other end is gone: the time is over


if __name__ == "__main__":
    sys.exit(main())
