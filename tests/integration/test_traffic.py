"""Generated connections through the traffic consumer, on the real broker."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from consumer_traffic import worker
from consumer_traffic.settings import TrafficSettings
from consumer_traffic.worker import Worker
from kafka_cluster import clients
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.records import Anomaly
from producer.connection_run import plan_of, run
from producer.connection_settings import ConnectionSettings
from tests.integration.conftest import Lab
from tests.integration.threaded import Threaded

pytestmark = pytest.mark.integration

GARBAGE = b"no connection"


def member(lab: Lab, name: str, group: str, **settings: Any) -> Threaded[worker.Counts]:
    stop, beat = Stop(), lab.folder / f"{name}.json"
    read = TrafficSettings.read(
        **lab.common, traffic_group=group, consumer_id=name, heartbeat_file=beat, prefetch_records=2_000, **settings
    )
    clock = SystemClock(stop)
    registry = wait_for_registry(read, clock)
    made = Threaded(Worker(read, registry, clock, stop), registry, stop, beat)
    made.start()
    return made


def watch(lab: Lab, group: str, connections: int, stops: int, **settings: Any) -> Counter[Anomaly]:
    """What a group finds whose one member is stopped and started again so often."""
    before, done = Counter(lab.anomalies()), 0
    for stop in range(stops + 1):
        one = member(lab, f"{group}-{stop}", group, **settings)
        enough = connections if stop == stops else done + 1
        try:
            lab.wait(lambda done=done, enough=enough, one=one: done + one.counts.watched >= enough, "connections")  # type: ignore[misc]  # defaults bind the loop's own values
        finally:
            done += one.end().watched
    assert done == connections
    return Counter(lab.anomalies()) - before


def test_flood_and_scan_are_told_apart_a_crowd_is_no_attack_and_nothing_twice_however_often_it_is_stopped(
    lab: Lab,
) -> None:
    given = ConnectionSettings.read(**lab.common, connection_minutes=60, connection_per_minute=100)
    plan = plan_of(given, lab.clock)
    sent = run(given.model_copy(update={"connection_start_ms": plan.start_ms}), lab.clock, Stop())
    producer = clients.producer(lab.settings)
    producer.produce(lab.settings.connections_topic, GARBAGE, b"service-1")
    assert producer.flush(10) == 0
    whole = watch(lab, f"{lab.group}-whole", sent.delivered, 0)
    found = {(anomaly.key, anomaly.detector) for anomaly in whole}
    expected = {"flood": "flood", "scan": "scan", "crowd": "surge", "one source": "flood"}
    assert found == {(label.service, f"traffic/{expected[label.kind]}") for label in plan.labels()}
    spans = {label.service: (label.from_ms, label.to_ms) for label in plan.labels()}
    assert all(spans[str(each.key)][0] < each.timestamp <= spans[str(each.key)][1] for each in whole)
    assert len({anomaly.id for anomaly in whole}) == whole.total()
    parts = watch(lab, f"{lab.group}-parts", sent.delivered, 3, traffic_batch=1_500)
    assert parts == whole
    assert [letter.raw for letter in lab.dead_letters()] == [GARBAGE] * 2  # one for each group
