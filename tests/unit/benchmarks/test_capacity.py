"""The arithmetic of docs/capacity.md, and that the page is what its command writes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.capacity import BEGIN, END, KEPT, PAGE, first_to_break, page, tables
from benchmarks.capacity_model import DAY_S, STATE_EVERY, Assumed, Cost, cost, size
from kafka_cluster.errors import LabError

ONE = Cost("chunks", 2.0, 0.5, 0.5, 1.0, 20.0, 10.0, 12.0, 1_000_000.0, 480.0)
KNOWN = Assumed()
BENCH: dict[str, Any] = {
    "events_per_s": 400_000, "history_mb": 50.0, "recover_s": 5.0,
    "measured": {
        "events": 5_000_000, "recovered_events": 4_000_000, "keys": 10_000, "memory_mb": 4.8,
        "cores": {"worker": 0.8, "broker": 0.2, "cassandra": 0.4, "zookeeper": 0.0},
        "broker_us_per_event_written": 0.3, "topic_bytes_per_event": 22.0,
    },
}  # fmt: skip


def test_costs_are_cores_over_rate_and_bytes_over_events() -> None:
    found = cost("chunks", BENCH)
    assert (found.worker_us, found.broker_read_us, found.cassandra_us) == pytest.approx((2.0, 0.5, 1.0))
    assert (found.disk_bytes, found.rebuilt_per_s, found.key_bytes) == pytest.approx((10.0, 800_000.0, 480.0))


def test_every_copy_costs_kafka_and_cassandra_and_no_worker() -> None:
    single, triple = (size(1_000_000, ONE, replace(KNOWN, replication=copies)) for copies in (1, 3))
    assert triple.workers.cores == single.workers.cores == pytest.approx(2.0)
    assert triple.kafka.cores == pytest.approx(3 * single.kafka.cores) == pytest.approx(3.0)
    assert triple.cassandra.disk_tb == pytest.approx(3 * single.cassandra.disk_tb)
    assert triple.cassandra.disk_tb == pytest.approx(1e6 * 10 * 3 * 30 * DAY_S / 1e12)


def test_nodes_are_as_many_as_the_scarcest_resource_asks_for_and_no_fewer_than_copies() -> None:
    small, large = size(1_000, ONE, KNOWN), size(1_000_000, ONE, KNOWN)
    assert (small.cassandra.nodes, small.cassandra.bound_by) == (3, "the fewest")
    assert (large.cassandra.nodes, large.cassandra.bound_by) == (39, "disk")
    assert size(1_000_000, ONE, replace(KNOWN, node_disk_tb=1e6, node_cores=1)).cassandra.bound_by == "cores"


def test_members_share_the_partitions_evenly_and_can_double() -> None:
    for rate in (1_000, 220_000, 2_000_000, 20_000_000):
        found = size(rate, ONE, KNOWN)
        assert found.partitions % found.members == 0
        assert found.partitions >= 2 * found.members
        assert found.partitions >= 8 * found.cassandra.nodes
        assert found.workers.cores / found.members <= KNOWN.utilisation


def test_a_rebuild_reads_an_interval_of_each_partition_and_does_not_grow_with_the_ttl() -> None:
    found = size(2_000_000, ONE, KNOWN)
    assert found.rebuild_s == pytest.approx(found.partitions / found.members * found.interval / 1e6)
    shorter = replace(KNOWN, history_ttl_s=DAY_S, partitions_a_node=0)
    assert (
        size(2_000_000, ONE, shorter).rebuild_s == size(2_000_000, ONE, replace(KNOWN, partitions_a_node=0)).rebuild_s
    )


def test_states_of_many_keys_are_saved_more_seldom() -> None:
    few, many = (size(1_000, ONE, replace(KNOWN, keys=keys)) for keys in (1_000, 10_000_000))
    assert few.interval == STATE_EVERY
    assert many.interval > STATE_EVERY


def test_the_fullest_resource_breaks_first() -> None:
    assert first_to_break(size(1_000_000, replace(ONE, worker_us=1.1), KNOWN)).startswith("Cassandra's disk, at ")
    assert first_to_break(size(1_000_000, replace(ONE, disk_bytes=0.0), KNOWN)).startswith("a member's core, at 50%")


def test_a_bench_that_lacks_a_figure_is_one_clear_line() -> None:
    lacking = {**BENCH, "measured": {**BENCH["measured"]}}
    del lacking["measured"]["topic_bytes_per_event"]
    with pytest.raises(LabError, match="topic_bytes_per_event"):
        cost("chunks", lacking)
    with pytest.raises(LabError, match="no store 'rows'"):
        tables({"stores": {"chunks": BENCH}})


def test_only_what_is_between_the_marks_is_written() -> None:
    assert page(f"before\n{BEGIN}\nold\n{END}\nafter", "new") == f"before\n{BEGIN}\nnew\n{END}\nafter"


def test_the_page_is_what_the_command_writes_from_the_bench_that_is_kept() -> None:
    text = PAGE.read_text()
    assert text == page(text, tables(json.loads(KEPT.read_text())))
