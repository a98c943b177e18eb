"""What a traffic consumer reads from the environment."""

from __future__ import annotations

from pydantic import Field

from detectors.traffic import LIMIT, WINDOW_MS
from kafka_cluster.member import MemberSettings


class TrafficSettings(MemberSettings):
    """Which group, which windows, and how far back a member reads to know what is usual."""

    traffic_group: str = "traffic"
    traffic_batch: int = Field(default=50_000, ge=1, le=1_000_000)  # connections a transaction, at most
    traffic_poll_s: float = Field(default=0.05, gt=0, le=10)  # how long a batch waits to fill
    traffic_window_ms: int = Field(default=WINDOW_MS, ge=1)  # of event time
    traffic_lateness_ms: int = Field(default=0, ge=0)  # a connection may be so long on its way, and still counts
    traffic_remember: int = Field(default=1_440, ge=1)  # windows that neighbourhoods are remembered for, at least
    traffic_limit: int = Field(default=LIMIT, ge=1)  # connections of a window whose sources are told apart
    # Read again before the first connection of a partition, so that what is usual is known; nothing of it is said.
    traffic_rewind: int = Field(default=1_000_000, ge=0)  # connections
    traffic_log_limit: int = Field(default=100, ge=0)  # anomalies of a batch that get a log event of their own

    @property
    def group(self) -> str:
        """Name of the consumer group."""
        return self.traffic_group
