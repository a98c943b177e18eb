"""The profile `monitoring` of the unmodified compose file, without Grafana: scaled consumers are found and scraped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.compose.stack import Stack, run, why_no_engine

pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.timeout(600)]

MEMBERS = 2
# The producer's replay lasts longer than the test.
LOAD = {"REPLAY_RATE": "20/s", "REPLAY_LOOP": "true", "LAB_OFFLINE": "1", "LAB_DATA": ""}
SERVICES = ("prometheus", "alertmanager", "producer", "consumer_training", "consumer_prediction")
SCRAPED = {"prometheus": 1, "alertmanager": 1, "producer": 1, "consumer_prediction": MEMBERS}


@dataclass(frozen=True)
class Watched:
    """What Prometheus said once everything had settled."""

    up: dict[str, int]
    scored_per_s: list[float]
    partitions: list[float]
    rules: dict[str, str]
    alertmanagers: int


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    if (reason := why_no_engine()) is not None:
        pytest.skip(reason)
    made = Stack({"COMPOSE_PROFILES": "monitoring", **LOAD})
    try:
        made.compose("up", "-d", "--build", "--scale", f"consumer_prediction={MEMBERS}", *SERVICES)
        yield made
    finally:
        made.compose("down", "-v")


@pytest.fixture(scope="module")
def watched(stack: Stack) -> Watched:
    up = stack.settle(lambda: scraped(stack), lambda found: SCRAPED.items() <= found.items())
    scored = stack.settle(
        lambda: query(stack, "lab:lab_prediction_records:rate1m"), lambda found: any(one > 0 for one in found)
    )
    held = 'sum(lab_consumer_partitions{job="consumer_prediction"})'
    partitions = stack.settle(lambda: query(stack, held), lambda found: found == [4.0])
    rules = [rule for group in get(stack, "rules")["groups"] for rule in group["rules"]]
    broken = {rule["name"]: str(rule.get("lastError")) for rule in rules if rule["health"] == "err"}
    return Watched(up, scored, partitions, broken, len(get(stack, "alertmanagers")["activeAlertmanagers"]))


def test_every_program_is_found_by_its_service_also_when_it_is_scaled(watched: Watched) -> None:
    assert SCRAPED.items() <= watched.up.items()


def test_what_is_recorded_has_data_and_no_rule_fails(watched: Watched) -> None:
    assert any(one > 0 for one in watched.scored_per_s)
    assert watched.partitions == [4.0]
    assert watched.rules == {}


def test_alerts_reach_alertmanager(watched: Watched) -> None:
    assert watched.alertmanagers == 1


def test_both_are_healthy_by_their_own_checks(stack: Stack, watched: Watched) -> None:  # noqa: ARG001 - they had time to start
    def states() -> list[str]:
        asked = [stack.containers(name)[0] for name in ("prometheus", "alertmanager")]
        return run(["docker", "inspect", "-f", "{{.State.Health.Status}}", *asked]).split()

    assert stack.settle(states, lambda found: found == ["healthy"] * 2) == ["healthy"] * 2


def get(stack: Stack, what: str, **parameters: str) -> Any:
    """The `data` of an answer; empty before Prometheus answers."""
    try:
        answer = httpx2.get(f"{stack.prometheus}/api/v1/{what}", params=parameters, timeout=10)
    except httpx2.HTTPError:
        return {"activeTargets": [], "result": [], "groups": [], "activeAlertmanagers": []}
    return answer.json()["data"]


def scraped(stack: Stack) -> dict[str, int]:
    """By job, how many targets answer."""
    up = [one["labels"]["job"] for one in get(stack, "targets")["activeTargets"] if one["health"] == "up"]
    return {job: up.count(job) for job in up}


def query(stack: Stack, expression: str) -> list[float]:
    """The values of an instant query."""
    return [float(one["value"][1]) for one in get(stack, "query", query=expression)["result"]]
