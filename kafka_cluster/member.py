"""How a program is a member of a consumer group: what it reads from the environment, and what its client is told."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from pydantic import Field

from kafka_cluster.heartbeat import WRITE_EVERY_S
from kafka_cluster.settings import KafkaSettings


class MemberSettings(KafkaSettings):
    """What every member of a group that writes in transactions is told. Which group it is, is the program's own."""

    # Names this member: in the log, in its transactional id, and, when static, in the group. Keep it over restarts.
    consumer_id: str = Field(default_factory=socket.gethostname, min_length=1)
    # A static member keeps its partitions while it restarts; a dynamic one hands them over when it stops.
    static_member: bool = False
    prefetch_records: int = Field(default=200_000, ge=1)  # of each partition, fetched ahead
    prefetch_kb: int = Field(default=8_192, ge=1)  # of all partitions, at most; in memory ten times as much
    fetch_kb: int = Field(default=4_096, ge=1_024)  # one answer of the broker, compressed; comes on top of that
    session_timeout_ms: int = Field(default=10_000, ge=6_000)
    transaction_timeout_ms: int = Field(default=10_000, ge=1_000)
    dead_letter_limit: float = Field(default=0.5, ge=0, le=1)  # share of dead letters that stops the consumer …
    dead_letter_window: int = Field(default=1_000, ge=1)  # … counted over so many records
    heartbeat_file: Path | None = None
    heartbeat_every_s: float = Field(default=WRITE_EVERY_S, gt=0)  # a benchmark looks more often

    @property
    def group(self) -> str:
        """Name of the consumer group; each program has a setting of its own for it."""
        raise NotImplementedError


def member_config(settings: MemberSettings) -> dict[str, Any]:
    """The part of a librdkafka configuration that makes a member: cooperative rebalances, static where asked for."""
    config: dict[str, Any] = {
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": settings.session_timeout_ms,
        # What librdkafka fetches ahead: enough that a batch never waits, and no more than so much memory.
        "queued.min.messages": settings.prefetch_records,
        "queued.max.messages.kbytes": settings.prefetch_kb,
        "fetch.max.bytes": settings.fetch_kb * 1024,
        "fetch.queue.backoff.ms": 5,  # a full queue is emptied by one batch; librdkafka would look again after a second
        "client.id": settings.consumer_id,
    }
    if settings.static_member:
        config["group.instance.id"] = settings.consumer_id
    return config
