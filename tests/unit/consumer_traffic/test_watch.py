from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from consumer_traffic.settings import TrafficSettings
from consumer_traffic.watch import Found, Watch, address
from detectors.key_table import key_ids
from detectors.traffic import Connections
from kafka_cluster.records import Direction, Severity
from producer.connection_walk import ConnectionPlan, Label, name_of

START = 1_700_006_400_000
PLAN = ConnectionPlan(services=5, per_minute=200, minutes=60, seed=1, start_ms=START)


def generated(plan: ConnectionPlan = PLAN) -> tuple[Connections, list[bytes]]:
    minutes = [plan.minute(number) for number in range(plan.minutes)]
    services, sources, ports, _, times_ms = (np.concatenate(column) for column in zip(*minutes, strict=True))
    names = [name_of(service).encode() for service in services.tolist()]
    return Connections(key_ids(names), sources, ports, times_ms, 1_000 + np.arange(len(names))), names


def watch(edges: tuple[int, ...] = (), judged_from: int = 0) -> list[Found]:
    its, (came, names) = Watch(TrafficSettings.read(), 2, judged_from), generated()
    found = []
    for first, last in pairwise([0, *edges, len(names)]):
        part = Connections(*(column[first:last] for column in came))
        found += its.observe(part, lambda row, first=first: names[first + row])  # type: ignore[misc]  # the loop's own
    return found


def kinds_of(found: list[Found], label: Label) -> set[str]:
    """Detectors that spoke of the label's service, all of them in the label's time."""
    its = [anomaly for key, anomaly in found if key == label.service.encode()]
    assert all(label.from_ms < anomaly.timestamp <= label.to_ms for anomaly in its)
    return {anomaly.detector for anomaly in its}


def test_each_attack_is_told_by_its_name_and_a_crowd_is_no_attack() -> None:
    found = watch()
    expected = {"flood": "flood", "scan": "scan", "crowd": "surge", "one source": "flood"}
    for label in PLAN.labels():
        assert kinds_of(found, label) == {f"traffic/{expected[label.kind]}"}
        assert label.is_attack == (expected[label.kind] != "surge")
    assert {key for key, _ in found} == {label.service.encode() for label in PLAN.labels()}
    assert len({anomaly.id for _, anomaly in found}) == len(found)


def test_an_anomaly_tells_the_numbers_the_source_and_how_bad_it_is() -> None:
    found = {anomaly.detector: anomaly for key, anomaly in watch() if key != b"service-4"}
    scan, flood, surge = (found[f"traffic/{kind}"] for kind in ("scan", "flood", "surge"))
    assert (scan.evidence[0].metric, scan.evidence[0].direction) == ("ports_of_one_source", Direction.ABOVE)
    assert (flood.evidence[0].metric, flood.evidence[0].direction) == ("connections", Direction.ABOVE)
    assert flood.evidence[0].observed > 10 * flood.evidence[0].expected > 1_000
    assert sum(entry.contribution for entry in flood.evidence) == 1
    assert "one source tried 120 ports" in scan.reason
    assert "; from " in scan.reason
    assert "; from " not in flood.reason
    assert surge.severity == Severity.LOW
    assert flood.severity != Severity.LOW
    assert all(anomaly.score > anomaly.threshold for anomaly in found.values())


@pytest.mark.parametrize("edges", [(1, 17, 30_000, 30_001), tuple(range(0, 60_000, 7_919))])
def test_batch_boundaries_do_not_matter(edges: tuple[int, ...]) -> None:
    assert watch(edges) == watch()


def test_what_was_judged_before_is_learned_and_not_told_again() -> None:
    whole = watch()
    middle = int(np.median([anomaly.offset for _, anomaly in whole]))
    again = watch(judged_from=middle)
    # A window is told when the next one begins: one that was closed by a record from `middle` on is told then.
    assert 0 < len(again) < len(whole)
    assert again == whole[len(whole) - len(again) :]


def test_addresses_are_written_as_people_do() -> None:
    assert address(3_405_803_786) == "203.0.113.10"
    assert address(0x2001_0DB8_0001) == "2001:db8:1::/48"
