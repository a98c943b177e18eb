"""What must hold before anything starts, each with what to do where it does not."""

from __future__ import annotations

import platform
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import psutil

from kafka_cluster.embedded import ports
from kafka_cluster.embedded.artifacts import ArtifactStore, locked
from kafka_cluster.embedded.cassandra import Cassandra
from kafka_cluster.embedded.server import java
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.embedded.state import State
from kafka_cluster.errors import LabError

GIB = 1 << 30
# The servers take 0.7 GiB, the lab's programs about as much again.
MEMORY_NEEDED_BYTES = 2 * GIB
MEMORY_LEAST_BYTES = 1 * GIB
DISK_NEEDED_BYTES = 2 * GIB
DISK_LEAST_BYTES = GIB // 2
DOCKER_SOCKET = Path("/var/run/docker.sock")
DOCKER_TIMEOUT_S = 2.0

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Problem:
    """One check: what was looked at, how it is, what was found, and what to do unless all is well."""

    check: str
    verdict: Verdict
    found: str
    way_out: str = ""


def all_checks(settings: LabSettings) -> list[Problem]:
    """Every check, in the order in which a person would ask."""
    return [
        _python(),
        _java(settings),
        _memory(),
        *_disks(settings),
        *_ports(settings),
        _artifacts(settings),
        _docker(),
    ]


def fatal_problems(settings: LabSettings) -> list[Problem]:
    """Only what makes a start pointless. Quick: nothing is hashed, nobody is asked over a network."""
    checks = [_python(), _java(settings), _memory(), *_disks(settings), *_ports(settings)]
    return [problem for problem in checks if problem.verdict == "fail"]


def require_room(settings: LabSettings) -> None:
    """Raise LabError when memory or disk will not do."""
    for problem in (_memory(), *_disks(settings)):
        if problem.verdict == "fail":
            raise LabError(problem.check, problem.found, problem.way_out)


def _python() -> Problem:
    found = platform.python_version()
    if found.startswith("3.11."):
        return Problem("python", "ok", found)
    return Problem("python", "fail", found, "the locked packages are for Python 3.11: install it and run `./lab`")


def _java(settings: LabSettings) -> Problem:
    try:
        return Problem("java", "ok", str(java(settings)))
    except LabError as error:
        return Problem("java", "fail", error.reason, error.way_out)


def _memory() -> Problem:
    free = psutil.virtual_memory().available
    way_out = "close programs, or give this machine (or its container) more memory"
    return _room("memory", free, (MEMORY_LEAST_BYTES, MEMORY_NEEDED_BYTES), way_out)


def _disks(settings: LabSettings) -> Iterator[Problem]:
    for variable, folder in (("LAB_VAR", settings.lab_var), ("LAB_CACHE", settings.lab_cache)):
        existing = next(one for one in (folder, *folder.parents) if one.exists())
        free = shutil.disk_usage(existing).free
        way_out = f"make room there, or set {variable} to a folder on another disk"
        yield _room(f"disk at {folder}", free, (DISK_LEAST_BYTES, DISK_NEEDED_BYTES), way_out)


def _room(check: str, free: int, bounds: tuple[int, int], way_out: str) -> Problem:
    least, needed = bounds
    found = f"{free / GIB:.1f} GiB free"
    if free >= needed:
        return Problem(check, "ok", found)
    verdict: Verdict = "fail" if free < least else "warn"
    return Problem(check, verdict, f"{found}, {needed / GIB:.0f} GiB wanted", way_out)


def _ports(settings: LabSettings) -> Iterator[Problem]:
    wanted = {
        "zookeeper": ("LAB_ZOOKEEPER_PORT", settings.zookeeper_port),
        "broker": ("LAB_BROKER_PORT", settings.broker_port),
        "registry": ("LAB_REGISTRY_PORT", settings.registry_port),
    }
    try:
        ours = {entry.port for entry in State(settings.lab_var).read().values() if entry.process.is_alive()}
    except LabError as error:
        ours = set()
        yield Problem("state", "warn", error.reason, error.way_out)
    for server, (variable, port) in wanted.items():
        yield _port(server, port, variable, ours)
    optional = _port("cassandra", settings.cassandra_port, "LAB_CASSANDRA_PORT", ours)
    yield replace(optional, verdict="warn") if optional.verdict == "fail" else optional


def _port(server: str, port: int, variable: str, ours: set[int]) -> Problem:
    if port in ours:
        return Problem(f"port {port}", "ok", f"our {server} listens there")
    try:
        ports.require_free(server, port, variable)
    except LabError as error:
        return Problem(f"port {port}", "fail", error.reason, error.way_out)
    return Problem(f"port {port}", "ok", f"free for the {server}")


def _artifacts(settings: LabSettings) -> Problem:
    store = ArtifactStore(settings.lab_cache, settings.lab_maven_repository)
    sets = list(locked())
    damaged = store.damaged(sets)
    if damaged:
        way_out = f"remove it; the next `./lab up` fetches it again: rm {damaged[0]}"
        return Problem("artifacts", "fail", f"{len(damaged)} cached files are not the locked ones", way_out)
    missing = store.missing([name for name in sets if name != Cassandra.artifacts])  # that one comes when asked for
    if missing:
        size = sum(artifact.size for artifact in missing)
        found = f"{len(missing)} files, {size / 1e6:.0f} MB, are not in {settings.lab_cache} yet"
        return Problem("artifacts", "warn", found, "the first `./lab up` fetches them: be online")
    return Problem("artifacts", "ok", f"all cached in {settings.lab_cache}, hashes checked")


def _docker() -> Problem:
    """For information: only the compose way needs it."""
    try:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.settimeout(DOCKER_TIMEOUT_S)
            engine.connect(str(DOCKER_SOCKET))
            engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            answers = b"200" in engine.recv(64)
    except OSError as error:
        answers, reason = False, error.strerror or str(error)
    else:
        reason = "no answer"
    if answers:
        return Problem("docker", "ok", "the engine answers")
    return Problem("docker", "warn", f"no engine ({reason})", "only `docker compose up` needs one")
