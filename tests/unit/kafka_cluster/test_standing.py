"""How far behind a member is, by what its client last heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME, Consumer, Message, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from kafka_cluster import metrics
from kafka_cluster.clock import ManualClock
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.exporter import Exporter
from kafka_cluster.meter import OFF
from kafka_cluster.standing import LOOK_EVERY_S, Standing

NOW_S = 1_000.0


class Record:
    """Of a message its address and when the broker took it."""

    def __init__(self, partition: int, offset: int, at_s: float = NOW_S, kind: int = TIMESTAMP_LOG_APPEND_TIME) -> None:
        self._partition, self._offset, self._timestamp = partition, offset, (kind, round(at_s * 1000))

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes:
        return b""

    def timestamp(self) -> tuple[int, int]:
        return self._timestamp


class Client:
    """Knows the ends of partitions; below 0 before the first fetch."""

    def __init__(self) -> None:
        self.ends = {0: 100, 1: 50, 2: -1001}
        self.asked = 0

    def get_watermark_offsets(self, partition: TopicPartition, *, cached: bool) -> tuple[int, int]:
        assert cached, "it must not ask the broker"
        self.asked += 1
        return 0, self.ends[partition.partition]


class Scene:
    def __init__(self) -> None:
        self.client, self.clock = Client(), ManualClock(NOW_S)
        self.meter = Exporter(metrics.PREDICTION)
        self.standing = Standing(cast(Consumer, self.client), "t", self.clock, self.meter)

    def told(self, name: str) -> dict[str, float]:
        """By partition."""
        families = text_string_to_metric_families(self.meter.text())
        samples = [one for family in families for one in family.samples if one.name == name]
        return {one.labels.get("partition", ""): one.value for one in samples}

    def lag(self) -> dict[str, float]:
        self.clock.sleep(LOOK_EVERY_S)
        self.standing.look()
        return self.told("lab_consumer_lag_records")


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ConsumedBatch]:
    """Batches of records of this test's own kind."""
    monkeypatch.setattr("kafka_cluster.consumed.Message", Record)
    return lambda *records: ConsumedBatch("t", cast(list[Message], list(records)))


def test_the_lag_is_the_end_less_what_is_committed(scene: Scene, made: Callable[..., ConsumedBatch]) -> None:
    scene.standing.begins(0, 90)
    scene.standing.begins(1, 50)
    assert scene.lag() == {"0": 10, "1": 0}
    scene.standing.committed(made(Record(0, 90), Record(0, 95)), {0, 1})
    assert scene.lag() == {"0": 4, "1": 0}
    scene.client.ends[0] = 200
    assert scene.lag() == {"0": 104, "1": 0}


def test_what_is_not_known_is_not_told(scene: Scene) -> None:
    scene.standing.begins(0, -1)  # from the end on, wherever that is
    scene.standing.begins(2, 10)  # nothing was fetched yet
    assert scene.lag() == {}


def test_a_partition_given_up_is_told_no_more_and_one_that_comes_back_begins_anew(
    scene: Scene, made: Callable[..., ConsumedBatch]
) -> None:
    scene.standing.begins(0, 90)
    scene.standing.begins(1, 50)
    scene.standing.committed(made(Record(0, 97, NOW_S - 40)), {0, 1})
    scene.standing.ends({0})
    scene.standing.rebalanced({1})
    assert scene.lag() == {"1": 0}
    scene.standing.committed(made(Record(0, 98)), {1})  # it was in the batch, and is another's now
    assert scene.lag() == {"1": 0}
    scene.standing.begins(0, 80)
    assert scene.lag() == {"0": 20, "1": 0}
    assert scene.told("lab_consumer_lag_seconds") == {"1": 0}


def test_the_lag_in_time_is_the_age_of_what_is_committed_and_nothing_where_nothing_waits(
    scene: Scene, made: Callable[..., ConsumedBatch]
) -> None:
    scene.standing.begins(0, 90)
    scene.standing.begins(1, 40)
    scene.standing.committed(made(Record(0, 95, NOW_S - 30), Record(1, 49, NOW_S - 30)), {0, 1})
    scene.lag()
    assert scene.told("lab_consumer_lag_seconds") == {"0": 30 + LOOK_EVERY_S, "1": 0}
    scene.lag()
    assert scene.told("lab_consumer_lag_seconds")["0"] == 30 + 2 * LOOK_EVERY_S


def test_a_partition_read_to_its_end_has_no_lag_though_markers_of_transactions_stand_behind_the_last_record(
    scene: Scene, made: Callable[..., ConsumedBatch]
) -> None:
    scene.standing.committed(made(Record(0, 98)), {0})  # the end is at 100: the record at 99 is a marker
    scene.standing.look({0})
    assert scene.told("lab_consumer_lag_records") == {"0": 0.0}
    assert scene.told("lab_consumer_lag_seconds") == {"0": 0.0}
    scene.clock.sleep(LOOK_EVERY_S)
    scene.standing.look()
    assert scene.told("lab_consumer_lag_records") == {"0": 1.0}


def test_the_time_of_a_sender_is_no_measure(scene: Scene, made: Callable[..., ConsumedBatch]) -> None:
    scene.standing.begins(0, 90)
    scene.standing.committed(made(Record(0, 95, 0.0, TIMESTAMP_CREATE_TIME)), {0})
    scene.lag()
    assert scene.told("lab_consumer_lag_seconds") == {}
    assert scene.told("lab_consumer_delay_seconds_count") == {"": 0}


def test_the_delay_is_that_of_the_newest_record_of_a_batch(scene: Scene, made: Callable[..., ConsumedBatch]) -> None:
    scene.standing.begins(0, 0)
    scene.standing.begins(1, 0)
    scene.standing.committed(made(Record(0, 1, NOW_S - 9), Record(0, 2, NOW_S - 3), Record(1, 7, NOW_S - 5)), {0, 1})
    assert scene.told("lab_consumer_delay_seconds_sum") == {"": 3}
    assert scene.told("lab_consumer_batch_records_sum") == {"": 3}


def test_it_looks_once_a_second_at_most_and_never_without_a_meter(scene: Scene) -> None:
    scene.standing.begins(0, 90)
    for _ in range(5):
        scene.standing.look()
    assert scene.client.asked == 1
    silent = Standing(cast(Consumer, scene.client), "t", scene.clock, OFF)
    silent.begins(0, 90)
    silent.look()
    assert scene.client.asked == 1


def test_rebalances_are_counted_and_what_is_held_is_told(scene: Scene) -> None:
    assert scene.told("lab_consumer_partitions") == {"": 0}
    scene.standing.rebalanced({0, 1})
    scene.standing.rebalanced({1})
    assert scene.told("lab_consumer_partitions") == {"": 1}
    assert scene.told("lab_consumer_rebalances_total") == {"": 2}
