"""The profile `cassandra` of the unmodified compose file: generated events, two history consumers, rows in CQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from kafka_cluster.read_topic import Read
from tests.compose.conftest import shared_out
from tests.compose.stack import Stack, run, why_no_engine

pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.timeout(600)]

GROUP, MEMBERS = "history", 2
RATE, SECONDS = 1_000, 8
EVENTS = RATE * SECONDS
ALL_ROWS = "SELECT JSON partition, offset, key, value FROM anomaly_lab.events"


@dataclass(frozen=True)
class Kept:
    """What was there when the generator had ended and its events were stored."""

    exits: dict[str, int]
    shares: list[set[int]]
    events: list[Read]
    rows: list[dict[str, float]]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    if (reason := why_no_engine()) is not None:
        pytest.skip(reason)
    load = {"EVENT_RATE": f"{RATE}/s", "EVENT_SECONDS": str(SECONDS), "EVENT_KEYS": "200"}
    made = Stack({"COMPOSE_PROFILES": "cassandra", "HISTORY_STORE": "rows", **load})
    try:
        made.compose("up", "-d", "--build", "--scale", f"consumer_history={MEMBERS}", "events", "consumer_history")
        yield made
    finally:
        made.compose("down", "-v")


@pytest.fixture(scope="module")
def kept(stack: Stack) -> Kept:
    exits = {service: stack.exit_status(service) for service in ("setup", "history-setup", "events")}
    rows = stack.settle(lambda: stored(stack), lambda found: len(found) >= EVENTS)
    shares = stack.settle(lambda: stack.shares(GROUP), lambda found: shared_out(found, MEMBERS))
    return Kept(exits, shares, stack.read("events"), rows)


@pytest.fixture(scope="module")
def gone(stack: Stack, kept: Kept) -> tuple[dict[str, list[str]], set[str]]:  # noqa: ARG001 - the step before
    """What was left after `down -v`, and which of the volumes."""
    volumes = stack.mounted_volumes()
    stack.compose("down", "-v")
    return stack.left(), set(volumes) & set(run(["docker", "volume", "ls", "-q"]).split())


def test_tables_are_made_and_events_sent(kept: Kept) -> None:
    assert kept.exits == {"setup": 0, "history-setup": 0, "events": 0}
    assert len(kept.events) == EVENTS


def test_the_history_consumers_share_the_partitions(kept: Kept) -> None:
    assert shared_out(kept.shares, MEMBERS), kept.shares


def test_every_event_is_one_row_in_cql_whoever_stored_it(kept: Kept) -> None:
    sent = {
        (event.partition, event.offset, event.value["id"], event.value["value"])
        for event in kept.events
        if event.value is not None
    }
    assert len(kept.rows) == EVENTS
    assert {(row["partition"], row["offset"], row["key"], row["value"]) for row in kept.rows} == sent


def test_down_leaves_nothing(gone: tuple[dict[str, list[str]], set[str]]) -> None:
    assert gone == ({"containers": [], "networks": [], "volumes": []}, set())


def stored(stack: Stack) -> list[dict[str, float]]:
    """The rows that cqlsh gives, as a person would read them."""
    printed = stack.compose("exec", "-T", "cassandra", "cqlsh", "-e", ALL_ROWS)
    return [json.loads(line) for line in printed.splitlines() if line.strip().startswith("{")]
