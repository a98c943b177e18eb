"""What the alerts consumer reads from the environment; who is told of what stands in alerts.yaml."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from kafka_cluster.member import MemberSettings


class AlertsSettings(MemberSettings):
    """Which group, which file, how much at once."""

    alerts_group: str = "alerts"
    # alerts.yaml: what makes an incident, and who is told; none: every incident is told to the log alone.
    alerts_file: Path | None = None
    alerts_batch: int = Field(default=5_000, ge=1, le=100_000)  # anomalies a transaction, at most
    alerts_poll_s: float = Field(default=0.05, gt=0, le=10)  # how long a batch waits to fill
    alerts_log_limit: int = Field(default=20, ge=0)  # dead letters of a batch that get a log event of their own
    alerts_finish_s: float = Field(default=5.0, ge=0)  # at the end, how long messages on their way are waited for

    @property
    def group(self) -> str:
        """Name of the consumer group."""
        return self.alerts_group
