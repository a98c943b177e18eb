from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_cluster.codec import Encoder, RecordDecoder
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.records import Anomaly, Direction, Evidence, ModelAnnouncement, Role, Severity, anomaly_id
from kafka_cluster.schemas import load_schema

doubles = st.floats(allow_nan=False, allow_infinity=False)
maybe = st.none() | doubles
texts = st.text(max_size=10)
evidence = st.builds(Evidence, texts, doubles, doubles, doubles, st.sampled_from(Direction), maybe, maybe)
anomalies = st.builds(
    Anomaly,
    id=texts, topic=texts, partition=st.integers(0, 99), offset=st.integers(0, 2**60), key=st.none() | texts,
    timestamp=st.integers(0, 2**60), detector=texts, model_version=texts, score=doubles, threshold=doubles,
    severity=st.sampled_from(Severity), evidence=st.lists(evidence, max_size=3).map(tuple), reason=texts,
    one_in=st.none() | st.integers(0, 2**60),
)  # fmt: skip
announcements = st.builds(
    ModelAnnouncement,
    name=texts, version=texts, path=texts, manifest_sha256=texts, role=st.sampled_from(Role),
    timestamp=st.integers(0, 2**60), evaluation=st.none() | texts,
)  # fmt: skip


def there_and_back(schema_name: str, record: dict[str, Any]) -> dict[str, Any]:
    registry, schema = MemoryRegistry(), load_schema(schema_name)
    return RecordDecoder(registry).decode(Encoder(schema, registry.register("s", schema)).encode(record))


@given(anomalies)
def test_an_anomaly_comes_back_as_it_went(anomaly: Anomaly) -> None:
    assert Anomaly.from_avro(there_and_back("anomaly", anomaly.to_avro())) == anomaly


@given(announcements)
def test_an_announcement_comes_back_as_it_went(announcement: ModelAnnouncement) -> None:
    assert ModelAnnouncement.from_avro(there_and_back("model", announcement.to_avro())) == announcement


def test_the_same_record_has_the_same_id_and_any_other_has_another() -> None:
    address = ("metrics", 1, 2, 3, "forest")
    assert anomaly_id(*address) == anomaly_id(*address)
    others = [
        ("m", 1, 2, 3, "forest"),
        ("metrics", 0, 2, 3, "forest"),
        ("metrics", 1, 3, 3, "forest"),
        ("metrics", 1, 2, 4, "forest"),
        ("metrics", 1, 2, 3, "cusum"),
        ("metrics", 12, 3, 3, "forest"),
    ]
    assert len({anomaly_id(*address), *(anomaly_id(*other) for other in others)}) == len(others) + 1


@pytest.mark.parametrize("name", ["metric", "anomaly", "verdict", "model"])
def test_every_field_of_every_schema_has_a_doc(name: str) -> None:
    def undocumented(schema: Any) -> list[str]:
        if isinstance(schema, list):
            return [found for branch in schema for found in undocumented(branch)]
        if not isinstance(schema, dict):
            return []
        missing = [field["name"] for field in schema.get("fields", []) if not field.get("doc")]
        inner = [found for field in schema.get("fields", []) for found in undocumented(field["type"])]
        return missing + inner + undocumented(schema.get("items"))

    assert undocumented(load_schema(name)) == []
    assert load_schema(name)["doc"]
