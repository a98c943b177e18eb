from __future__ import annotations

from dataclasses import dataclass, replace

from consumer_prediction.judge import Batch, judge
from detectors.model import Model
from kafka_cluster.codec import Encoder, MetricDecoder
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.records import Severity, anomaly_id


def value(encoder: Encoder, number: float, timestamp: int = 0) -> bytes:
    return encoder.encode({"network": number, "disk": 100.0, "cpu": 100.0, "timestamp": timestamp})


@dataclass
class ListBatch:
    """Records of partition 1."""

    values: list[bytes | None]
    first_offset: int
    keys: list[bytes | None]
    topic: str = "metrics"

    def address(self, row: int) -> tuple[int, int]:
        return 1, self.first_offset + row

    def key(self, row: int) -> bytes | None:
        return self.keys[row]


def batch(values: list[bytes | None], first_offset: int = 10) -> ListBatch:
    return ListBatch(values, first_offset, [b"host"] * len(values))


def test_only_what_is_strange_becomes_an_anomaly_with_its_address(
    registry: MemoryRegistry, encoder: Encoder, model: Model
) -> None:
    came = batch([value(encoder, 100), b"rubbish", value(encoder, 9_000, 7), value(encoder, 101)])
    judged = judge(came, MetricDecoder(registry, model.metrics).decode(came.values), model)
    assert [one.row for one in judged] == [2]
    anomaly = judged[0].anomaly
    assert (anomaly.topic, anomaly.partition, anomaly.offset, anomaly.key) == ("metrics", 1, 12, "host")
    assert anomaly.id == anomaly_id("metrics", 1, 12, 7, "isolation-forest")
    assert (anomaly.timestamp, anomaly.model_version) == (7, "v1")
    assert anomaly.score > anomaly.threshold == model.threshold
    assert anomaly.severity is Severity.HIGH or anomaly.score <= model.top_score
    assert anomaly.evidence[0].metric == "network"
    assert anomaly.evidence[0].observed == 9_000
    assert anomaly.reason.startswith("network 91x the usual")


def test_how_records_fall_into_batches_does_not_matter(
    registry: MemoryRegistry, encoder: Encoder, model: Model
) -> None:
    values: list[bytes | None] = [value(encoder, number, number) for number in range(0, 4_000, 50)]
    decoder = MetricDecoder(registry, model.metrics)

    def judged(came: Batch) -> list[str]:
        return [repr(one.anomaly) for one in judge(came, decoder.decode(came.values), model)]

    whole = judged(batch(values))
    split = judged(batch(values[:33])) + judged(batch(values[33:], first_offset=43))
    assert whole == split
    assert whole


def test_a_lower_threshold_finds_more_never_less(registry: MemoryRegistry, encoder: Encoder, model: Model) -> None:
    came = batch([value(encoder, 100 + step) for step in range(60)])
    columns = MetricDecoder(registry, model.metrics).decode(came.values)
    strict = {one.row for one in judge(came, columns, model)}
    eager = {one.row for one in judge(came, columns, replace(model, threshold=model.threshold - 0.1))}
    assert strict < eager


def test_a_key_that_is_no_text_is_shown_as_far_as_it_goes(
    registry: MemoryRegistry, encoder: Encoder, model: Model
) -> None:
    came = replace(batch([value(encoder, 9_000), value(encoder, 9_000)]), keys=[None, b"\xff"])
    judged = judge(came, MetricDecoder(registry, model.metrics).decode(came.values), model)
    assert [one.anomaly.key for one in judged] == [None, "�"]
