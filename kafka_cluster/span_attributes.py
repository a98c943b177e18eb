"""What spans say about records: OpenTelemetry's semantic conventions for messaging, and a few names of ours."""

from __future__ import annotations

from kafka_cluster.tracing import Attributes

TYPES = {"create": "create", "send": "send", "poll": "receive", "process": "process"}  # by operation
MODEL_VERSION, ANOMALY_ID, NEWS = "lab.model.version", "lab.anomaly.id", "lab.news"
INCIDENT_ID, CHANNEL = "lab.incident.id", "lab.channel"
ANOMALIES, DEAD_LETTERS, TRACED = "lab.anomalies", "lab.dead_letters", "lab.traced_records"


def messaging(
    operation: str,
    topic: str,
    *,
    partition: int | None = None,
    offset: int | None = None,
    key: str | bytes | None = None,
    count: int | None = None,
) -> Attributes:
    """Attributes of an operation on records of a topic; `count` of a batch."""
    given = {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": TYPES.get(operation),
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": None if partition is None else str(partition),
        "messaging.kafka.offset": offset,
        "messaging.kafka.message.key": key.decode(errors="replace") if isinstance(key, bytes) else key,
        "messaging.batch.message_count": count,
    }
    return {name: value for name, value in given.items() if value is not None}


def member(group: str, name: str) -> Attributes:
    """Attributes of whatever a member of a group does."""
    return {"messaging.consumer.group.name": group, "messaging.client.id": name}
