"""What the page reads from the environment."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from kafka_cluster.settings import KafkaSettings, split_names

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class DashboardSettings(KafkaSettings):
    """Where the page listens, who may see it, what it looks at, and how much of it is kept in memory."""

    dashboard_host: str = "127.0.0.1"
    dashboard_port: int = Field(default=8080, ge=0, le=65535)  # 0: any free one, told in the log
    # From where it can be reached, when that is not DASHBOARD_HOST: a container listens on all its addresses, and its
    # port may be published on loopback alone.
    dashboard_published_on: str | None = None
    # Required as soon as it can be reached from beyond loopback; people type it once, programs send it as a bearer.
    dashboard_token: SecretStr | None = Field(default=None, min_length=16)
    # Host names under which browsers reach it, beside loopback's and DASHBOARD_PUBLISHED_ON, comma-separated.
    dashboard_names: str = ""
    dashboard_streams: int = Field(default=64, ge=1)  # open pages, at most
    prediction_group: str = "prediction"
    history_group: str = "history"  # shown where it reads the events topic
    alerts_group: str = "alerts"  # shown where it tells of anomalies
    models_dir: Path = Path("var/models")
    model_name: str = Field(default="cloudwatch", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    dashboard_dataset: Path | None = None  # a dataset.json: units, labelled windows, and how many records there will be
    dashboard_points: int = Field(
        default=20_000, ge=100, le=200_000
    )  # kept of all keys together, and read at the start
    dashboard_keys: int = Field(default=5_000, ge=1, le=100_000)  # keys whose own series are kept
    dashboard_key_points: int = Field(default=600, ge=10, le=20_000)  # … and how many points of each
    dashboard_anomalies: int = Field(default=5_000, ge=10, le=100_000)  # the newest are kept
    dashboard_rate: int = Field(default=10_000, ge=100)  # records/s that are looked at; of more, only samples
    heartbeat_file: Path | None = None

    # Of the records, in order. Not given: what the registered schema has.
    metrics: Annotated[tuple[str, ...], NoDecode] = ()

    @model_validator(mode="after")
    def _beyond_loopback_only_with_a_token(self) -> Self:
        if not is_loopback(self.reached_at) and self.dashboard_token is None:
            raise ValueError(f"DASHBOARD_TOKEN is required where others can reach the page ({self.reached_at})")
        return self

    @property
    def reached_at(self) -> str:
        """The address at which the page can be reached."""
        return self.dashboard_published_on or self.dashboard_host

    @property
    def host_names(self) -> tuple[str, ...]:
        """What browsers may call it: any other name is somebody's DNS pointing here (DNS rebinding)."""
        reached = () if self.reached_at in ("0.0.0.0", "::") else (self.reached_at,)  # noqa: S104 - it is compared
        return (*LOOPBACK_NAMES, *reached, *split_names(self.dashboard_names))


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
