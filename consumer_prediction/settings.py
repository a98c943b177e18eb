"""What a prediction consumer reads from the environment."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Literal

from pydantic import Field

from kafka_cluster.heartbeat import WRITE_EVERY_S
from kafka_cluster.settings import KafkaSettings


class PredictionSettings(KafkaSettings):
    """Which group, which model, how large a batch, and when to stop rather than go on."""

    prediction_group: str = "prediction"
    # Names this member: in the log, in its transactional id, and, when static, in the group. Keep it over restarts.
    consumer_id: str = Field(default_factory=socket.gethostname, min_length=1)
    # A static member keeps its partitions while it restarts; a dynamic one hands them over when it stops.
    static_member: bool = False
    prediction_start: Literal["after-training", "earliest", "latest"] = "after-training"  # where nothing is committed
    prediction_batch: int = Field(default=50_000, ge=1, le=1_000_000)  # records a transaction, at most
    prediction_poll_s: float = Field(default=0.01, gt=0, le=10)  # how long a batch waits to fill
    prefetch_records: int = Field(default=200_000, ge=1)  # of each partition, fetched ahead
    prefetch_kb: int = Field(default=16_384, ge=1)  # of all partitions, at most
    prediction_log_limit: int = Field(default=100, ge=0)  # anomalies of a batch that get a log event of their own
    session_timeout_ms: int = Field(default=10_000, ge=6_000)
    transaction_timeout_ms: int = Field(default=10_000, ge=1_000)
    dead_letter_limit: float = Field(default=0.5, ge=0, le=1)  # share of dead letters that stops the consumer …
    dead_letter_window: int = Field(default=1_000, ge=1)  # … counted over so many records
    models_dir: Path = Path("var/models")
    model_name: str = Field(default="cloudwatch", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    heartbeat_file: Path | None = None
    heartbeat_every_s: float = Field(default=WRITE_EVERY_S, gt=0)  # a benchmark looks more often
