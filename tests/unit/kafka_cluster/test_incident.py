"""What stands on the topic of incidents is what was written there."""

from __future__ import annotations

from kafka_cluster.codec import Encoder, RecordDecoder
from kafka_cluster.incident import Incident, Kind, Phase, State, Told, incident_id
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.records import Severity
from kafka_cluster.schemas import load_schema

ONE = Incident(
    id="a", kind=Kind.INCIDENT, key=None, state=State.OPEN, severity=Severity.HIGH, total=3, peak_score=0.5,
    peak_id="p", reason="r", first=1, last=2, detectors=("forest", "cusum"), seen_at=4, opened_at=5, revision=6,
    told=(Told("mail"), Told("chat", Phase.OPEN, 6, Severity.LOW, 7, tried=True, reference="17.4")),
)  # fmt: skip
STORM = ONE._replace(kind=Kind.STORM, keys=("a", "b"), state=State.RESOLVED, resolved_at=9, released_at=5)


def test_an_incident_comes_back_from_its_bytes_as_it_was() -> None:
    registry, schema = MemoryRegistry(), load_schema("incident")
    encoder, decoder = Encoder(schema, registry.register("incidents-value", schema)), RecordDecoder(registry)
    for incident in (ONE, STORM):
        assert Incident.from_avro(decoder.decode(encoder.encode(incident.to_avro()))) == incident


def test_its_id_depends_on_key_and_first_anomaly_alone() -> None:
    assert incident_id("host", "1") == incident_id("host", "1")
    assert len({incident_id(key, one) for key in ("a", "b", None) for one in ("1", "2")}) == 6
