from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kafka_cluster.anomaly_encoder import AnomalyEncoder
from kafka_cluster.codec import Encoder
from kafka_cluster.records import Anomaly, Direction, Evidence, Severity
from kafka_cluster.schemas import load_schema

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
longs = st.integers(-(2**63), 2**63 - 1)
doubles = st.floats()
evidence = st.builds(
    Evidence, texts, doubles, doubles, doubles, st.sampled_from(Direction), st.none() | doubles, st.none() | doubles
)
anomalies = st.builds(
    Anomaly, texts, texts, st.integers(-(2**31), 2**31 - 1), longs, st.none() | texts, longs, texts, texts, doubles,
    doubles, st.sampled_from(Severity), st.lists(evidence, max_size=70).map(tuple), texts, st.none() | longs,
)  # fmt: skip


@given(anomaly=anomalies, schema_id=st.integers(0, 2**32 - 1))
def test_the_bytes_are_those_of_fastavro(anomaly: Anomaly, schema_id: int) -> None:
    assert AnomalyEncoder(schema_id).encode(anomaly) == Encoder(load_schema("anomaly"), schema_id).encode(
        anomaly.to_avro()
    )
