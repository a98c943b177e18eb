"""The topics: one table, and the idempotent step that makes them (never auto-creation)."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger
from kafka_cluster.schemas import AvroSchema, load_schema, metric_schema
from kafka_cluster.settings import KafkaSettings

REQUEST_TIMEOUT_S = 10.0
COMPACTED = {"cleanup.policy": "compact"}
# Kept by size alone, of each partition. The broker's own time on the messages: with event times of years ago it would
# take their producer for one long gone, forget its sequence numbers, and let its retries in twice.
KEPT = {"retention.ms": "-1", "retention.bytes": str(4 << 30), "message.timestamp.type": "LogAppendTime"}
log = get_logger()


@dataclass(frozen=True)
class TopicSpec:
    """One topic: what it carries, the schema of its values (None: bytes as they come), its configuration."""

    name: str
    partitions: int
    schema: AvroSchema | None
    config: dict[str, str]
    doc: str


def topic_specs(settings: KafkaSettings, partitions: int) -> list[TopicSpec]:
    """Every topic of the lab. `partitions` caps the number of useful prediction consumers."""
    return [
        TopicSpec(
            settings.metrics_topic, partitions, metric_schema(settings.metrics), KEPT, "metric records, keyed by host"
        ),
        TopicSpec(settings.events_topic, partitions, load_schema("event"), KEPT, "single numbers, keyed by device"),
        TopicSpec(
            settings.connections_topic, partitions, load_schema("connection"), KEPT, "connections, keyed by service"
        ),
        TopicSpec(settings.anomalies_topic, partitions, load_schema("anomaly"), {}, "what was found, read committed"),
        TopicSpec(
            settings.incidents_topic, partitions, load_schema("incident"), COMPACTED, "incidents, and who was told"
        ),
        TopicSpec(settings.verdicts_topic, 1, load_schema("verdict"), COMPACTED, "what people said about anomalies"),
        TopicSpec(settings.models_topic, 1, load_schema("model"), COMPACTED, "model announcements"),
        TopicSpec(settings.dead_letters_topic, 1, None, {"retention.ms": "-1"}, "records nobody could read"),
    ]


def ensure_topics(admin: AdminClient, specs: list[TopicSpec], replication: int) -> list[str]:
    """Make the topics that are missing; returns their names. Raises LabError when the broker refuses one."""
    existing = admin.list_topics(timeout=REQUEST_TIMEOUT_S).topics
    for spec in specs:
        if spec.name in existing and len(existing[spec.name].partitions) != spec.partitions:
            found = len(existing[spec.name].partitions)
            log.warning("topic kept as it is", topic=spec.name, partitions=found, wanted=spec.partitions)
    missing = [spec for spec in specs if spec.name not in existing]
    requests = [NewTopic(spec.name, spec.partitions, replication, config=spec.config) for spec in missing]
    made = admin.create_topics(requests, operation_timeout=REQUEST_TIMEOUT_S) if requests else {}
    return [name for name, future in made.items() if _created(name, future)]


def _created(name: str, future: object) -> bool:
    try:
        future.result()  # type: ignore[attr-defined] # confluent_kafka's futures carry no types
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False  # another one-shot was quicker
        raise LabError(f"topic {name!r}", f"the broker refused it: {error.args[0].str()}") from None
    return True
