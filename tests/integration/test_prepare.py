"""The one-shot on a broker and a registry that others use too: what they have made stays theirs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.cluster import ClusterInfo
from kafka_cluster.prepare import PrepareSettings, prepare
from kafka_cluster.registry import HttpRegistry, subject_of

pytestmark = pytest.mark.integration
# Nothing like the lab's: a version of ours after it would be refused.
THEIRS = {
    "type": "record",
    "name": "Load",
    "fields": [{"name": "cpu", "type": "string"}, {"name": "at", "type": "int"}],
}


@pytest.fixture
def settings(cluster: ClusterInfo) -> PrepareSettings:
    one = uuid.uuid4().hex[:8]
    topics = ("metrics", "events", "anomalies", "incidents", "verdicts", "models", "dead_letters")
    given: dict[str, Any] = {name.lower(): value for name, value in cluster.env().items()}
    return PrepareSettings.read(**given, **{f"{name}_topic": f"{name}-{one}" for name in topics})


def test_a_schema_that_others_registered_for_their_metrics_is_left_alone(settings: PrepareSettings) -> None:
    subject = subject_of(settings.metrics_topic)
    with HttpRegistry(settings) as registry:
        registry.register(subject, THEIRS)
        prepare(settings, SystemClock())
        (kept,) = registry.versions(subject)
        assert [field["name"] for field in kept["fields"]] == ["cpu", "at"]
        assert registry.versions(subject_of(settings.anomalies_topic))  # ours is made all the same


def test_a_second_time_changes_nothing(settings: PrepareSettings) -> None:
    prepare(settings, SystemClock())
    with HttpRegistry(settings) as registry:
        before = registry.versions(subject_of(settings.metrics_topic))
        prepare(settings, SystemClock())
        assert registry.versions(subject_of(settings.metrics_topic)) == before
        assert len(before) == 1


def test_only_the_labs_own_subjects_get_a_compatibility_level(settings: PrepareSettings) -> None:
    with SchemaRegistryClient({"url": settings.schema_registry_url}) as client:
        before = client.get_compatibility()
        client.set_compatibility(level="NONE")
        try:
            prepare(settings, SystemClock())
            assert client.get_compatibility() == "NONE"
            assert client.get_compatibility(subject_of(settings.anomalies_topic)) == "BACKWARD"
        finally:
            client.set_compatibility(level=before)
