"""How a prediction consumer is a member of its group."""

from __future__ import annotations

from typing import Any

from consumer_prediction.settings import PredictionSettings


def group_config(settings: PredictionSettings) -> dict[str, Any]:
    """The part of a librdkafka configuration that makes a member: cooperative rebalances, static where asked for."""
    config: dict[str, Any] = {
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": settings.session_timeout_ms,
        # What librdkafka fetches ahead: enough that a batch never waits, and no more than so much memory.
        "queued.min.messages": settings.prefetch_records,
        "queued.max.messages.kbytes": settings.prefetch_kb,
        "fetch.queue.backoff.ms": 5,  # a full queue is emptied by one batch; librdkafka would look again after a second
        "client.id": settings.consumer_id,
    }
    if settings.static_member:
        config["group.instance.id"] = settings.consumer_id
    return config
