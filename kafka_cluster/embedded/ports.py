"""Is a port free, and if not, whose is it."""

from __future__ import annotations

import socket

import psutil

from kafka_cluster.embedded.server import HOST
from kafka_cluster.errors import LabError


def is_free(port: int, host: str = HOST) -> bool:
    """True when a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections do not count
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def holder(port: int) -> psutil.Process | None:
    """Who listens there; None when nobody does or the system does not tell."""
    try:
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN
            if listening and connection.pid is not None and connection.laddr[1:] == (port,):
                return psutil.Process(connection.pid)
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        pass
    return None


def require_free(server: str, port: int, variable: str, host: str = HOST) -> None:
    """Raise LabError, naming who holds the port and how to move, unless it is free."""
    if not is_free(port, host):
        raise LabError(
            server,
            f"port {port} is in use by {describe(holder(port))}",
            f"stop that, or move the lab with `LAB_PORT_OFFSET=100 ./lab up`, or this port alone with {variable}",
        )


def describe(process: psutil.Process | None) -> str:
    """`java (pid 4711)`."""
    if process is None:
        return "another process"
    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.NoSuchProcess:
        return f"pid {process.pid}"


def pick_free(count: int) -> list[int]:
    """So many ports that are free now, chosen by the system. Somebody else may take one before you do."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
