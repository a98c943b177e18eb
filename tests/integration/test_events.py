"""Generated events through the real broker and registry."""

from __future__ import annotations

import json

import pytest

from kafka_cluster.clock import Stop
from kafka_cluster.read_topic import read_topic
from producer.event_run import run
from producer.event_settings import EventSettings
from tests.integration.conftest import Lab

pytestmark = pytest.mark.integration


def test_every_event_arrives_in_order_under_the_key_of_its_cell(lab: Lab) -> None:
    labels = lab.folder / "labels.jsonl"
    settings = EventSettings.read(
        **lab.common, event_keys=300, event_records=25_000, event_positions=True, event_labels=labels,
        event_outage_s=0.005, event_outage_for_s=0.01, event_resolution=4,
    )  # fmt: skip
    assert run(settings, lab.clock, Stop()).delivered == 25_000
    read = list(read_topic(lab.settings, lab.settings.events_topic))
    assert len(read) == 25_000
    values = [record.value for record in read if record.value is not None]
    by_partition: dict[int, list[int]] = {}
    for record, value in zip(read, values, strict=True):
        by_partition.setdefault(record.partition, []).append(value["timestamp"])
    assert len(by_partition) > 1
    assert all(times == sorted(times) for times in by_partition.values())
    assert len({record.partition for record in read if record.key == read[0].key}) == 1
    outage = [json.loads(line) for line in labels.read_text().splitlines()][-1]
    assert outage["kind"] == "outage"
    inside = [
        value["value"] for record, value in zip(read, values, strict=True)
        if record.key == f"{outage['key']:x}" and outage["first_ms"] <= value["timestamp"] <= outage["last_ms"]
    ]  # fmt: skip
    assert sum(inside) / len(inside) < 98.5
