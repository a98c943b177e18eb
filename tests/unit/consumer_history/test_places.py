"""Events with a position: whose history they are in, and where an anomaly is."""

from __future__ import annotations

import numpy as np
import pytest
from confluent_kafka import Message
from h3.api import basic_int as h3

from consumer_history.checks import Checks
from consumer_history.decode import EventDecoder, Events
from consumer_history.report import Found, report
from consumer_history.settings import HistorySettings, KeyKind
from kafka_cluster.codec import Encoder
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.schemas import load_schema

SCHEMA = load_schema("event")
Place = tuple[float | None, float | None]
TOWN, FAR = (49.88, -2.26), (46.04, 19.35)


def settings(kind: KeyKind, resolution: int = 5) -> HistorySettings:
    return HistorySettings.read(history_key=kind, history_resolution=resolution)


def decoded(read: HistorySettings, places: list[Place], values: list[float]) -> tuple[ConsumedBatch, Events]:
    """Events of a device each, all on one partition, as the Kafka key `dev`."""
    registry = MemoryRegistry()
    encoder = Encoder(SCHEMA, registry.register("events-value", SCHEMA))
    messages = [
        Message(
            topic="events", partition=0, offset=row, key=b"dev",
            value=encoder.encode(
                {"id": row, "value": value, "timestamp": row, "latitude": place[0], "longitude": place[1]}
            ),
        )
        for row, (place, value) in enumerate(zip(places, values, strict=True))
    ]  # fmt: skip
    consumed = ConsumedBatch("events", messages)
    return consumed, EventDecoder(read, registry).decode(consumed)


@pytest.mark.parametrize("resolution", [0, 3, 7, 15])
def test_events_are_kept_by_the_cell_of_their_position_at_the_resolution_asked_for(resolution: int) -> None:
    random = np.random.default_rng(0)
    places = list(zip(random.uniform(-90, 90, 50).tolist(), random.uniform(-180, 180, 50).tolist(), strict=True))
    _, events = decoded(settings("cell", resolution), [*places, *places], [0.0] * 100)
    cells = [h3.latlng_to_cell(latitude, longitude, resolution) for latitude, longitude in places]
    assert events.batch.keys.tolist() == cells * 2


def test_an_event_that_is_nowhere_is_a_dead_letter_and_the_others_keep_their_rows() -> None:
    nowhere: list[Place] = [TOWN, (None, None), (91.0, 0.0), (0.0, -180.5), FAR]
    _, events = decoded(settings("cell"), nowhere, [1.0, 2.0, 3.0, 4.0, 5.0])
    assert events.rows.tolist() == [0, 4]
    assert events.batch.values.tolist() == [1.0, 5.0]
    assert sorted(letter.offset for letter in events.letters) == [1, 2, 3]


def drop(kind: KeyKind) -> list[Found]:
    """60 devices in one cell, of which each says two numbers; then all of them say lower ones."""
    read = settings(kind)
    random = np.random.default_rng(1)
    values = np.concatenate([random.normal(100, 1, 120), random.normal(96, 1, 30)])
    consumed, events = decoded(read, [TOWN] * 150, values.tolist())
    checks = Checks(read)
    checks.start(0, 0)
    return report(consumed, events, checks.check(events.batch, 1.0), read)


def test_an_anomaly_of_a_place_names_the_cell_whatever_the_key_of_the_record() -> None:
    found = drop("cell")
    assert {one.anomaly.key for one in found} == {h3.int_to_str(h3.latlng_to_cell(*TOWN, 5))}
    assert {one.key for one in found} == {b"dev"}
    assert min(one.anomaly.offset for one in found) in range(120, 126)


def test_other_anomalies_name_the_key_of_the_record() -> None:
    assert {one.anomaly.key for one in drop("key")} == {"dev"}


def test_what_all_of_a_place_do_is_seen_by_place_and_not_by_device() -> None:
    assert drop("cell")
    assert drop("id") == []
