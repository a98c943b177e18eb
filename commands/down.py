"""`lab down`: stop the servers that `lab up` started."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from commands import kept
from commands.lab_settings import LabSettings
from kafka_cluster.embedded.cluster import Cluster


def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Remove topics, schemas and offsets as well.")] = False,
) -> None:
    """Stop the servers, last started first, and the page of a demo. Data stay, unless --wipe."""
    settings = LabSettings.read()
    cluster = Cluster(settings, say=lambda line: print(line, file=sys.stderr))
    stopped = kept.stop_all(settings) + (cluster.wipe() if wipe else cluster.down())
    print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")
    if wipe:
        print(f"Removed {settings.lab_var / 'cluster'}.")
