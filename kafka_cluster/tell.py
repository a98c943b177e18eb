"""What a committed batch had in it, as log events: each anomaly and each dead letter, with its address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kafka_cluster.dead_letters import DeadLetter
from kafka_cluster.log import get_logger
from kafka_cluster.records import Anomaly

log = get_logger()


def _no_more(_partition: int, _offset: int) -> dict[str, str]:
    return {}


def tell(
    anomalies: Sequence[Anomaly],
    letters: Sequence[DeadLetter],
    limit: int,
    more: Callable[[int, int], dict[str, str]] = _no_more,
) -> None:
    """Log what was found, at most `limit` of each kind; `more` gives further fields by partition and offset."""
    for found in anomalies[:limit]:
        log.info("anomaly", **fields_of(found), **more(found.partition, found.offset))
    if len(anomalies) > limit > 0:
        log.info("more anomalies in the same batch", not_shown=len(anomalies) - limit)
    for bad in letters[:limit]:
        key = None if bad.key is None else bad.key.decode(errors="replace")
        address = {"topic": bad.topic, "partition": bad.partition, "offset": bad.offset}
        log.warning("dead letter", key=key, **address, error=bad.error, reason=bad.reason)


def fields_of(anomaly: Anomaly) -> dict[str, Any]:
    """An anomaly's fields in a log event."""
    instant = np.datetime_as_string(np.datetime64(anomaly.timestamp, "ms"), unit="s")
    return {
        "id": anomaly.id,
        "key": anomaly.key,
        "topic": anomaly.topic,
        "partition": anomaly.partition,
        "offset": anomaly.offset,
        "at": f"{instant}Z",
        "detector": anomaly.detector,
        "model_version": anomaly.model_version,
        "score": round(anomaly.score, 4),
        "severity": str(anomaly.severity),
        "reason": anomaly.reason,
    }
