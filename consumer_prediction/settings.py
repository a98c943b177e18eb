"""What a prediction consumer reads from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from kafka_cluster.member import MemberSettings


class PredictionSettings(MemberSettings):
    """Which group, which model, how large a batch, and when to stop rather than go on."""

    prediction_group: str = "prediction"
    prediction_start: Literal["after-training", "earliest", "latest"] = "after-training"  # where nothing is committed
    prediction_batch: int = Field(default=50_000, ge=1, le=1_000_000)  # records a transaction, at most
    prediction_poll_s: float = Field(default=0.01, gt=0, le=10)  # how long a batch waits to fill
    prediction_log_limit: int = Field(default=100, ge=0)  # anomalies of a batch that get a log event of their own
    # detectors.yaml: which detectors serve which topic, keys and metrics; none: the champion forest alone.
    detectors_file: Path | None = None
    # Read again before the first record of a partition, so that detectors know what came before; nothing of it is said.
    detectors_rewind: int = Field(default=50_000, ge=0)  # records
    models_dir: Path = Path("var/models")
    model_name: str = Field(default="cloudwatch", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")

    @property
    def group(self) -> str:
        """Name of the consumer group."""
        return self.prediction_group
