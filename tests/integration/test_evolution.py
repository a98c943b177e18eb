"""A schema that changes while the lab runs on it: what the registry refuses, and what is scored."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from kafka_cluster import clients
from kafka_cluster.codec import Encoder
from kafka_cluster.errors import LabError
from kafka_cluster.prepare import PrepareSettings
from kafka_cluster.read_topic import read_topic
from kafka_cluster.records import Anomaly
from kafka_cluster.registry import HttpRegistry, subject_of
from kafka_cluster.schemas import AvroSchema
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.topics import ensure_topics, topic_specs
from tests.evolution_cases import INCOMPATIBLE, OLD, TIME, field, schema
from tests.integration.conftest import Lab
from tests.integration.threaded import WAIT_S

pytestmark = pytest.mark.integration

DEFAULT = 2_500_000.0
CPU, LOAD = field("cpu", "float"), field("load", "float", aliases=["cpu"])
FLOAT_DISK, DISK = field("disk", "float"), field("disk", "float", default=DEFAULT)
NULLABLE = field("network", ["null", "double"])
# Every step is compatible with the one before it; all the changes of the matrix, one after another.
CHAIN = [
    schema(field("network", "int"), FLOAT_DISK, CPU, TIME),
    schema(field("network", "long"), FLOAT_DISK, CPU, TIME),
    schema(field("network", "float"), FLOAT_DISK, CPU, TIME),
    schema(field("network", "double"), FLOAT_DISK, CPU, TIME),
    schema(TIME, CPU, FLOAT_DISK, field("network", "double")),
    schema(TIME, CPU, FLOAT_DISK, NULLABLE),
    schema(TIME, CPU, FLOAT_DISK, NULLABLE, field("host", "string", default="")),
    schema(TIME, CPU, DISK, NULLABLE),
    schema(TIME, LOAD, DISK, NULLABLE),
    schema(TIME, LOAD, NULLABLE),
]
# The same values as one writer has them that never changed; far from all training data, so that each is an anomaly.
RECORDS = [
    {"network": 30_000_000 + k, "disk": DEFAULT if k == len(CHAIN) - 1 else 5_000_000.0 + k, "cpu": 4_000.0 + k}
    for k in range(len(CHAIN))
]
ONE = schema(field("network", "double"), FLOAT_DISK, CPU, TIME)


@pytest.fixture
def registry(lab: Lab) -> Iterator[HttpRegistry]:
    with HttpRegistry(lab.settings) as found:
        yield found


class Source:
    """A metrics topic of its own beside the lab's, for its model to score."""

    def __init__(self, lab: Lab, registry: HttpRegistry) -> None:
        one = uuid.uuid4().hex[:8]
        self.lab, self.registry = lab, registry
        self.topics = {"metrics_topic": f"metrics-{one}", "anomalies_topic": f"anomalies-{one}"}
        self.settings = KafkaSettings.read(**{**lab.common, **self.topics})
        partitions = PrepareSettings.read(**lab.common).partitions
        ensure_topics(clients.admin_client(self.settings), topic_specs(self.settings, partitions), 1)

    def encode(self, version: AvroSchema, k: int) -> bytes:
        schema_id = self.registry.register(subject_of(self.settings.metrics_topic), version)
        return Encoder(version, schema_id).encode({**written(version, RECORDS[k]), "timestamp": 1_700_000_000_000 + k})

    def send(self, *values: bytes) -> None:
        producer = clients.producer(self.settings)
        for value in values:
            producer.produce(self.settings.metrics_topic, value, b"host")
        assert producer.flush(WAIT_S) == 0

    def score(self, count: int) -> list[Any]:
        """What is found in so many records, by their time: all but the address."""
        common, self.lab.common = self.lab.common, {**self.lab.common, **self.topics}
        self.lab.group = f"prediction-{uuid.uuid4().hex}"
        member = self.lab.member("one", prediction_start="earliest")
        self.lab.common = common
        self.lab.wait(lambda: member.counts.scored + member.counts.dead_letters >= count, "scores")
        assert member.end().scored == count
        return self.found()

    def found(self) -> list[Any]:
        read = read_topic(self.settings, self.settings.anomalies_topic)
        found = [Anomaly.from_avro(record.value) for record in read if record.value is not None]
        return sorted((one.timestamp, one.score, one.evidence, one.reason) for one in found)


def written(version: AvroSchema, values: dict[str, Any]) -> dict[str, Any]:
    names = [one["name"] for one in version["fields"]]
    return {name: {**values, "load": values["cpu"], "host": "any"}.get(name) for name in names}


def trained(lab: Lab) -> None:
    lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=32)
    lab.train()


def test_records_of_every_version_in_one_batch_are_scored_as_the_same_values_of_one_schema(
    lab: Lab, registry: HttpRegistry
) -> None:
    trained(lab)
    changed, constant = Source(lab, registry), Source(lab, registry)
    values = [changed.encode(version, k) for k, version in enumerate(CHAIN)]
    assert len({value[:5] for value in values}) == len(CHAIN)  # so many schema ids
    changed.send(*values)
    constant.send(*(constant.encode(ONE, k) for k in range(len(CHAIN))))
    found = constant.score(len(CHAIN))
    assert len(found) == len(CHAIN)
    assert changed.score(len(CHAIN)) == found


def test_a_running_member_follows_a_rename_and_a_running_writer_of_the_old_name_goes_on(
    lab: Lab, registry: HttpRegistry
) -> None:
    trained(lab)
    source = Source(lab, registry)
    lab.common |= source.topics
    member = lab.member("one", prediction_start="earliest")
    old = source.encode(ONE, 0)
    source.send(old)
    lab.wait(lambda: member.counts.scored >= 1, "the old record")
    source.send(source.encode(schema(field("network", "double"), FLOAT_DISK, LOAD, TIME), 0), old)
    lab.wait(lambda: member.counts.scored + member.counts.dead_letters >= 3, "the new record")
    assert member.end().scored == 3
    found = source.found()
    assert found == [found[0]] * 3


def test_training_reads_old_and_new_writers_alike(lab: Lab, registry: HttpRegistry) -> None:
    source = Source(lab, registry)
    lab.common |= source.topics
    source.send(*(source.encode(version, k) for k, version in enumerate(CHAIN)), *[source.encode(CHAIN[-1], 0)] * 10)
    result = lab.train(training_min_rows=2, training_max_rejected=0.0)
    assert result.training_rows + result.test_rows == len(CHAIN) + 10


@pytest.mark.parametrize("name", INCOMPATIBLE)
def test_the_error_of_a_refused_schema_holds_the_registrys_own_words(registry: HttpRegistry, name: str) -> None:
    version, words = INCOMPATIBLE[name]
    subject = f"evolution-{uuid.uuid4().hex}-value"
    registry.register(subject, OLD)
    registry.demand_backward_compatibility(subject)
    with pytest.raises(LabError) as refused:
        registry.register(subject, version)
    text = str(refused.value)
    assert text.startswith(f"subject '{subject}': refused by the registry: Incompatible artifact: {subject} [AVRO]")
    assert words in text
    assert "\n" not in text
    assert text.endswith("types may only widen (docs/how-to/schema-evolution.md)")
