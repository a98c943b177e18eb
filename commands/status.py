"""`lab status`: which servers run, where, since when, and whether they answer."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from commands.lab_settings import LabSettings
from kafka_cluster.embedded.cluster import Cluster, ServerStatus

MEBIBYTE = 1 << 20


def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on the last line of standard output.")
    ] = False,
) -> None:
    """Show the servers of this machine's cluster. Exit status 0 also when none runs."""
    cluster = Cluster(LabSettings.read())
    servers = cluster.status()
    if as_json:
        print(json.dumps({"servers": [asdict(server) for server in servers], "env": cluster.info.env()}))
    elif servers:
        Console().print(_table(servers))
        if not all(server.running for server in servers):
            print("`./lab up` starts what is dead again, `./lab down` clears it.")
    else:
        print("Nothing is up. `./lab up` starts the servers, `./lab demo` shows everything.")


def _table(servers: list[ServerStatus]) -> Table:
    log = Column("log", overflow="fold")
    table = Table("server", "state", "pid", "port", "MiB", "up, s", log, box=None)
    for server in servers:
        table.add_row(
            server.name,
            _state(server),
            str(server.pid),
            str(server.port),
            f"{server.rss_bytes / MEBIBYTE:.0f}",
            f"{server.uptime_s:.0f}",
            server.log,
        )
    return table


def _state(server: ServerStatus) -> str:
    if not server.running:
        return "dead"
    state = "healthy" if server.healthy else "does not answer"
    return f"{state}, until pid {server.leashed_to} ends" if server.leashed_to else state
