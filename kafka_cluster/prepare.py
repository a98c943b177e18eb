"""The one-shot before everything else: topics made, schemas registered. Safe to run at any time again."""

from __future__ import annotations

from pydantic import Field

from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Clock
from kafka_cluster.errors import LabError, StoppedError
from kafka_cluster.log import get_logger
from kafka_cluster.program import program
from kafka_cluster.registry import HttpRegistry, UnknownSchemaError, subject_of
from kafka_cluster.schemas import AvroSchema
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.topics import TopicSpec, ensure_topics, topic_specs

POLL_S = 0.5
log = get_logger()


class PrepareSettings(KafkaSettings):
    """How many partitions and replicas the topics get."""

    partitions: int = Field(default=4, ge=1)
    replication_factor: int = Field(default=1, ge=1)


def prepare(settings: PrepareSettings, clock: Clock) -> list[TopicSpec]:
    """Wait for broker and registry, make what is missing, say what was made; returns every topic's spec."""
    admin = wait_for_broker(settings, clock)
    specs = topic_specs(settings, settings.partitions)
    made = ensure_topics(admin, specs, settings.replication_factor)
    log.info("topics", made=made, kept=[spec.name for spec in specs if spec.name not in made])
    with wait_for_registry(settings, clock) as registry:
        for spec in specs:
            if spec.schema is not None:
                theirs = spec.name in (settings.metrics_topic, settings.events_topic, settings.connections_topic)
                _register(registry, subject_of(spec.name), spec.schema, keep=theirs)
    return specs


def _register(registry: HttpRegistry, subject: str, schema: AvroSchema, *, keep: bool) -> None:
    """Register a schema; with `keep` only where there is none: who writes the metrics decides about theirs."""
    if keep and _has_versions(registry, subject):
        log.info("schema kept as it is", subject=subject)
        return
    log.info("schema", subject=subject, id=registry.register(subject, schema))
    registry.demand_backward_compatibility(subject)


def _has_versions(registry: HttpRegistry, subject: str) -> bool:
    try:
        return bool(registry.versions(subject))
    except UnknownSchemaError:
        return False


def wait_for_registry(settings: KafkaSettings, clock: Clock) -> HttpRegistry:
    """A registry that answers. Raises LabError after `startup_timeout_s`, StoppedError at a stop."""
    registry = HttpRegistry(settings)
    deadline = clock.monotonic() + settings.startup_timeout_s
    while not registry.ready():
        if clock.stopping:
            registry.close()
            raise StoppedError
        if clock.monotonic() > deadline:
            reason = f"no answer in {settings.startup_timeout_s:.0f} s"
            way_out = "start it with `lab up`, or set SCHEMA_REGISTRY_URL"
            raise LabError(f"Schema Registry {settings.schema_registry_url}", reason, way_out)
        clock.sleep(POLL_S)
    return registry


main = program(PrepareSettings, lambda settings, clock, _stop: prepare(settings, clock), stops=False)
