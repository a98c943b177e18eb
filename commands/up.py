"""`lab up`: start ZooKeeper, broker and Schema Registry on this machine."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from commands.lab_settings import LabSettings
from kafka_cluster.embedded.cluster import Cluster, ClusterInfo


class Extra(StrEnum):
    """Servers beside the three."""

    CASSANDRA = "cassandra"


def up(
    with_: Annotated[
        list[Extra] | None, typer.Option("--with", help="Another server: the history's Cassandra.")
    ] = None,
) -> None:
    """Start the servers; those that run already are kept."""
    info = Cluster(LabSettings.read(), say=lambda line: print(line, file=sys.stderr)).up(extra=with_ or ())
    print(how_to_go_on(info))


def how_to_go_on(info: ClusterInfo) -> str:
    """The addresses, and what one does with a cluster that is up."""
    exports = "\n".join(f"  export {name}={value}" for name, value in info.env().items())
    return (
        f"The cluster is up (ZooKeeper on {info.zookeeper}). Programs of the lab find it by\n{exports}\n"
        "`./lab status` shows it, `./lab topics` makes the topics, `./lab logs broker` follows a log, "
        "`./lab down` stops it."
    )
