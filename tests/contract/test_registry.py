"""What every registry promises: the real one, and the one in memory that unit tests use."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from kafka_cluster.codec import Encoder, MetricDecoder
from kafka_cluster.embedded.cluster import ClusterInfo
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.errors import LabError
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.registry import HttpRegistry, Registry, RegistryAwayError, UnknownSchemaError
from kafka_cluster.schemas import AvroSchema
from kafka_cluster.settings import KafkaSettings
from tests.evolution_cases import COMPATIBLE, INCOMPATIBLE, METRICS, OLD, row, written


@pytest.fixture(params=["memory", pytest.param("http", marks=pytest.mark.integration)])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    if request.param == "memory":
        yield MemoryRegistry()
        return
    info: ClusterInfo = request.getfixturevalue("cluster")
    with HttpRegistry(KafkaSettings.read(schema_registry_url=info.registry_url)) as real:
        yield real


@pytest.fixture
def subject() -> str:
    return f"contract-{uuid.uuid4().hex}-value"


def record(*fields: tuple[Any, ...]) -> AvroSchema:
    """A record whose name is its own, so that no two tests share an id."""
    made = [dict(zip(("name", "type", "default"), field, strict=False)) for field in fields]
    return {"type": "record", "name": f"R{uuid.uuid4().hex}", "fields": made}


def test_a_registered_schema_is_found_by_its_id(registry: Registry, subject: str) -> None:
    schema = record(("cpu", "float"))
    found = registry.schema(registry.register(subject, schema))
    assert found["name"] == schema["name"]
    assert found["fields"] == schema["fields"]


def test_registering_again_gives_the_same_id_and_so_does_another_subject(registry: Registry, subject: str) -> None:
    schema = record(("cpu", "float"))
    first = registry.register(subject, schema)
    assert registry.register(subject, schema) == first
    assert registry.register(f"other-{subject}", schema) == first


def test_an_unknown_id_is_unknown_not_away(registry: Registry) -> None:
    with pytest.raises(UnknownSchemaError, match="987654"):
        registry.schema(987_654)


def test_a_field_added_with_a_default_is_taken(registry: Registry, subject: str) -> None:
    schema = record(("cpu", "float"))
    first = registry.register(subject, schema)
    wider = {**schema, "fields": [*schema["fields"], {"name": "disk", "type": "float", "default": 0.0}]}
    assert registry.register(subject, wider) != first


@pytest.mark.parametrize("change", ["a field without a default", "another type"])
def test_an_incompatible_schema_is_refused_by_name(registry: Registry, subject: str, change: str) -> None:
    schema = record(("cpu", "float"))
    registry.register(subject, schema)
    added = {"name": "disk", "type": "float"}
    fields = [*schema["fields"], added] if "default" in change else [{"name": "cpu", "type": "string"}]
    with pytest.raises(LabError, match=subject):
        registry.register(subject, {**schema, "fields": fields})


@pytest.mark.parametrize("name", COMPATIBLE)
def test_a_compatible_change_is_taken_and_both_versions_are_told_newest_first(
    registry: Registry, subject: str, name: str
) -> None:
    change = COMPATIBLE[name]
    old, new = registry.register(subject, change.before), registry.register(subject, change.after)
    assert old != new
    assert [version["fields"] for version in registry.versions(subject)] == [
        change.after["fields"],
        change.before["fields"],
    ]
    assert registry.register(subject, change.before) == old  # known already: an old writer may start again
    assert registry.versions(subject)[0]["fields"] == change.after["fields"]


@pytest.mark.parametrize("name", COMPATIBLE)
def test_records_of_old_and_new_writers_in_one_batch_are_read_as_the_same_metrics(
    registry: Registry, subject: str, name: str
) -> None:
    change = COMPATIBLE[name]
    values = {"network": 3, "disk": 0.5, "cpu": 1.25, "timestamp": 7}
    versions = [change.before, change.after]
    encoders = [Encoder(version, registry.register(subject, version)) for version in versions]
    pairs = list(zip(versions, encoders, strict=True)) * 2  # in turns
    batch = [encoder.encode(written(version, values, change)) for version, encoder in pairs]
    asked = [METRICS, *([("network", "disk", *change.renamed)] if change.renamed else [])]  # by the new name too
    for metrics in asked:
        columns = MetricDecoder(registry, metrics, subject=subject).decode(batch)
        assert columns.rejected == []
        assert columns.values.tolist() == [row(version, values, change) for version, _ in pairs]
        assert columns.times_ms.tolist() == [7] * 4


@pytest.mark.parametrize("name", INCOMPATIBLE)
def test_an_incompatible_change_is_refused_and_changes_nothing(registry: Registry, subject: str, name: str) -> None:
    registry.register(subject, OLD)
    with pytest.raises(LabError, match=f"subject '{subject}': refused by the registry: .*; a new field needs"):
        registry.register(subject, INCOMPATIBLE[name][0])
    assert [version["fields"] for version in registry.versions(subject)] == [OLD["fields"]]


def test_a_field_that_may_be_null_cannot_go_back(registry: Registry, subject: str) -> None:
    change = COMPATIBLE["made nullable"]
    registry.register(subject, change.after)
    with pytest.raises(LabError, match=subject):
        registry.register(subject, change.before)


def test_an_unknown_subject_has_no_versions(registry: Registry, subject: str) -> None:
    with pytest.raises(UnknownSchemaError, match=subject):
        registry.versions(subject)


@pytest.mark.parametrize("kind", ["memory", "http"])
def test_a_registry_that_does_not_answer_is_away(kind: str) -> None:
    (port,) = pick_free(1)
    registry: Registry = MemoryRegistry()
    if kind == "http":
        registry = HttpRegistry(KafkaSettings.read(schema_registry_url=f"http://127.0.0.1:{port}"))
    else:
        registry.away = True  # type: ignore[attr-defined] # the switch of the memory registry
    with pytest.raises(RegistryAwayError):
        registry.schema(1)
    with pytest.raises(RegistryAwayError):
        registry.register("subject", record(("cpu", "float")))
    with pytest.raises(RegistryAwayError):
        registry.versions("subject")
