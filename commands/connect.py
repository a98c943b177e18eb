"""How a command finds the cluster: the environment if it says so, else the embedded one."""

from __future__ import annotations

import os
from typing import Any, TypeVar

from commands.lab_settings import LabSettings
from kafka_cluster.embedded.cluster import Cluster
from kafka_cluster.settings import KafkaSettings

S = TypeVar("S", bound=KafkaSettings)


def read_settings(kind: type[S], **overrides: Any) -> S:
    """Settings of a program; addresses that the environment does not name are those of the embedded cluster."""
    embedded = Cluster(LabSettings.read()).info.env()
    found = {name.lower(): value for name, value in embedded.items() if name not in os.environ}
    return kind.read(**found, **overrides)


def in_var(variable: str, *parts: str) -> Any:
    """A path under LAB_VAR, unless the environment names another in `variable`."""
    return None if variable in os.environ else LabSettings.read().lab_var.joinpath(*parts)
