"""What a machine tells of itself: its counters and levels, as psutil reads them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple, Protocol

import psutil

# Counted elsewhere once more: mappers and partitions on top of disks; what lives in memory or files is no disk.
NO_DISKS = ("loop*", "ram*", "zram*", "dm-*", "md*", "sr*", "fd*")
# What passes through these passes through another interface too, or never leaves the machine.
NO_NETWORKS = ("veth*", "docker*", "br-*", "virbr*", "vnet*", "cni*", "flannel*", "cali*", "ifb*", "dummy*")
LOOPBACK = ("lo", "lo0")


class Traffic(NamedTuple):
    """Bytes since the start of the machine, or of the device."""

    in_bytes: int  # read from a disk, received by an interface
    out_bytes: int  # written, sent


class Work(NamedTuple):
    """Seconds since the start of the machine, of all cores together."""

    busy_s: float
    total_s: float


class Machine(Protocol):
    """What the host source needs of a machine. Counters may fall where a device was reset."""

    def work(self) -> Work:
        """The processors."""

    def memory_percent(self) -> float:
        """Memory that is not available, in percent of all."""

    def swap_percent(self) -> float:
        """Swap space in use, in percent; 0 where there is none."""

    def load(self) -> float:
        """Processes that run or wait for a processor or a disk, mean over a minute."""

    def disks(self) -> dict[str, Traffic]:
        """By disk. Empty where the machine does not tell."""

    def networks(self) -> dict[str, Traffic]:
        """By interface that leads somewhere else. Empty where there is none."""

    def loopback(self) -> dict[str, Traffic]:
        """The interface to itself. Empty where there is none."""


class ThisMachine:
    """The one that the program runs on; in a container mostly the container's host."""

    def work(self) -> Work:
        """The processors; waiting for a disk is not work, and a guest's time is part of the user's."""
        times = psutil.cpu_times()
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        return Work(total - times.idle - getattr(times, "iowait", 0.0), total)

    def memory_percent(self) -> float:
        """See Machine."""
        return float(psutil.virtual_memory().percent)

    def swap_percent(self) -> float:
        """See Machine."""
        return float(psutil.swap_memory().percent)

    def load(self) -> float:
        """See Machine."""
        return float(psutil.getloadavg()[0])

    def disks(self) -> dict[str, Traffic]:
        """See Machine."""
        found = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        return {
            name: Traffic(one.read_bytes, one.write_bytes)
            for name, one in found.items()
            if _is_whole_disk(name) and not _matches(name, NO_DISKS)
        }

    def networks(self) -> dict[str, Traffic]:
        """See Machine."""
        return {name: one for name, one in _interfaces().items() if not _matches(name, (*NO_NETWORKS, *LOOPBACK))}

    def loopback(self) -> dict[str, Traffic]:
        """See Machine."""
        return {name: one for name, one in _interfaces().items() if name in LOOPBACK}


def _interfaces() -> dict[str, Traffic]:
    found = psutil.net_io_counters(pernic=True, nowrap=False) or {}
    return {name: Traffic(one.bytes_recv, one.bytes_sent) for name, one in found.items()}


def _is_whole_disk(name: str) -> bool:
    blocks = Path("/sys/block")  # Linux lists whole disks there, partitions below them; others tell whole disks alone
    return not blocks.is_dir() or (blocks / name.replace("/", "!")).exists()


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
