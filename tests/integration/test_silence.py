"""Keys that fall silent in a partition in which nothing else comes either, on the real broker."""

from __future__ import annotations

import pytest

from detectors import live_clock
from kafka_cluster import clients
from kafka_cluster.codec import Encoder
from kafka_cluster.registry import HttpRegistry, subject_of
from kafka_cluster.schemas import load_schema
from tests.integration.conftest import Lab, Member

pytestmark = pytest.mark.integration

STEP_S = 0.05
SPOKEN = 40  # records


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream counts as live after a second of it, and as silent half a second after it should have spoken."""
    for name, value in {"SPACING_MS": 20, "SHORTEST_MS": 1_000, "SLACK_MS": 500}.items():
        monkeypatch.setattr(live_clock, name, value)


def speak(lab: Lab, key: bytes, partition: int) -> None:
    """A key says so many things, one a step by the machine's clock, and then nothing more."""
    schema, topic = load_schema("metric"), lab.settings.metrics_topic
    with HttpRegistry(lab.settings) as registry:
        encoder = Encoder(schema, registry.register(subject_of(topic), schema))
    producer = clients.producer(lab.settings, **{"linger.ms": 0})
    begin = lab.clock.now()
    for number in range(SPOKEN):
        due = begin + number * STEP_S
        lab.clock.sleep(due - lab.clock.now())
        values = {"network": 1.0, "disk": 2.0, "cpu": 3.0, "timestamp": round(due * 1_000)}
        producer.produce(topic, encoder.encode(values), key, partition)
        producer.poll(0)
    assert producer.flush(10) == 0


def listening(lab: Lab, name: str) -> Member:
    member = lab.member(name, detectors_file=lab.folder / "detectors.yaml", prediction_start="latest")
    lab.wait(lambda: len(member.beat().get("partitions", ())) == 4, "partitions")
    return member


def test_a_silent_partition_is_told_once_whoever_holds_it(lab: Lab) -> None:
    (lab.folder / "detectors.yaml").write_text("{forest: false, silence: {}}")
    lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=8)
    lab.train()
    one = listening(lab, "one")
    speak(lab, b"a", 0)
    lab.wait(lambda: one.counts.anomalies >= 1, "silence of a")
    assert one.end().anomalies == 1
    two = listening(lab, "two")
    speak(lab, b"b", 1)
    lab.wait(lambda: two.counts.anomalies >= 1, "silence of b")
    speak(lab, b"a", 0)  # it comes back, and goes again: that is another silence
    lab.wait(lambda: two.counts.anomalies >= 2, "another silence of a")
    assert two.end().anomalies == 2
    found = lab.anomalies()
    assert [(each.key, each.detector, each.partition) for each in found] == [
        ("a", "silence", 0),
        ("b", "silence", 1),
        ("a", "silence", 0),
    ]
    assert len({each.id for each in found}) == 3
    assert all(each.timestamp > 0 and "silent since" in each.reason for each in found)
