"""What the generator of connections reads from the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from kafka_cluster.settings import KafkaSettings


class ConnectionSettings(KafkaSettings):
    """Which services, how much goes on, and where the truth about it is written."""

    connection_services: int = Field(default=4, ge=4, le=1_000)  # the first four are attacked, each in its own way
    connection_per_minute: int = Field(default=400, ge=20, le=100_000)  # of a service, in usual times
    connection_minutes: int = Field(default=90, ge=40, le=10_000)  # of event time
    connection_seed: int = Field(default=0, ge=0, lt=1 << 63)
    connection_start_ms: int | None = Field(default=None, ge=0)  # event time of the first one; not given: they end now
    connection_live: bool = False  # at their own pace, from now on; else as fast as the broker takes them
    connection_labels: Path | None = None  # the attacks that were put in, one JSON object a line
    heartbeat_file: Path | None = None
