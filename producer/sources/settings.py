"""What the producer reads from the environment about live sources."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Literal

from pydantic import Field

from kafka_cluster.settings import KafkaSettings

Kind = Literal["dataset", "host"]


class SourceSettings(KafkaSettings):
    """Which source, and how often it is looked at."""

    source: Kind = "dataset"  # dataset: the replay of series from files; host: this machine
    source_every_s: float = Field(default=10.0, ge=0.05)  # seconds from one look to the next
    source_key: str | None = None  # key of the records; none: the host's name
    heartbeat_file: Path | None = None

    @property
    def key(self) -> str:
        """Of records that nothing else gives a key."""
        return self.source_key or socket.gethostname()
