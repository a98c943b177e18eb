from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.traffic import LIMIT, Connections, Traffic
from detectors.traffic_kernel import COUNT, ENTROPY, KNOWN, PORTS, SOURCES, TOP
from detectors.traffic_spot import Spotted

MINUTE = 60_000
WINDOWS = 60
AT = 45  # the window in which it happens
TARGET, OTHER = 7, -5


def merged(*parts: Connections) -> Connections:
    whole = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    order = np.argsort(whole[3], kind="stable")
    targets, sources, ports, times_ms = (column[order] for column in whole[:4])
    return Connections(targets, sources, ports, times_ms, np.arange(len(order)))


def connections(random: Any, sources: Any, windows: Any, target: int = TARGET, ports: Any = 443) -> Connections:
    n = len(sources)
    times = np.asarray(windows) * MINUTE + random.integers(0, MINUTE, n)
    return Connections(
        np.full(n, target), np.asarray(sources), np.broadcast_to(ports, n).copy(), times.astype(np.int64),
        np.arange(n),
    )  # fmt: skip


def visitors(random: Any, many: int) -> Any:
    """Addresses of people: of 2,000 neighbourhoods, some much larger than others."""
    neighbourhoods = np.random.default_rng(99).integers(0, 1 << 24, 2_000)
    return neighbourhoods[(2_000 * random.random(many) ** 2).astype(int)] * 256 + random.integers(0, 256, many)


def usual(random: Any, target: int = TARGET) -> Connections:
    each = random.poisson(400, WINDOWS)
    return connections(random, visitors(random, each.sum()), np.repeat(np.arange(WINDOWS), each), target)


def watch(came: Connections, edges: Any = (), limit: int = LIMIT) -> list[Spotted]:
    traffic, found = Traffic(limit=limit), []
    for first, last in pairwise([0, *edges, len(came.targets)]):
        found += traffic.observe(Connections(*(column[first:last] for column in came)))
        other = Traffic(limit=limit)
        other.restore(traffic.snapshot())
        traffic = other
    return found


def flood(random: Any, many: int = 6_000) -> Connections:
    return connections(random, random.integers(0, 1 << 32, many), np.full(many, AT))


def scan(random: Any, many: int = 120) -> Connections:
    return connections(random, np.full(many, 42), np.full(many, AT), ports=random.permutation(60_000)[:many])


def crowd(random: Any, many: int = 6_000) -> Connections:
    return connections(random, visitors(random, many), np.full(many, AT))


def one_source(random: Any, many: int = 5_000) -> Connections:
    return connections(random, np.full(many, 42), np.full(many, AT))


@pytest.mark.parametrize("seed", range(5))
def test_a_flood_a_scan_and_a_flash_crowd_are_found_and_told_apart(seed: int) -> None:
    random = np.random.default_rng(seed)
    for make, kind, reason in (
        (flood, "flood", "from known neighbourhoods, usual"),
        (scan, "scan", "one source tried 120 ports, usual 1"),
        (crowd, "surge", "from known neighbourhoods, as usual"),
        (one_source, "flood", "one source makes 9"),
    ):
        found = watch(merged(usual(random), usual(random, OTHER), make(random)))
        assert [(one.target, one.end_ms, one.kind) for one in found] == [(TARGET, (AT + 1) * MINUTE, kind)]
        assert reason in found[0].sentence
        assert 0.5 < found[0].score < 1


def test_the_one_who_scans_or_floods_is_named() -> None:
    random = np.random.default_rng(1)
    assert watch(merged(usual(random), scan(random)))[0].source == 42
    assert watch(merged(usual(random), one_source(random)))[0].source == 42


def test_a_few_sources_that_connect_far_too_often_are_a_flood() -> None:
    random = np.random.default_rng(2)
    known = np.repeat(visitors(random, 40), 150)
    (found,) = watch(merged(usual(random), connections(random, known, np.full(6_000, AT))))
    assert found.kind == "flood"
    assert any("connections a source, usual 1" in reason for reason in found.reasons)


def test_traffic_as_usual_is_nothing() -> None:
    random = np.random.default_rng(3)
    slowly = connections(random, visitors(random, 12_000), np.repeat(np.arange(WINDOWS), 200))
    assert watch(merged(usual(random), usual(random, OTHER))) == []
    assert watch(slowly) == []


def test_the_numbers_of_a_window_are_what_they_say() -> None:
    random = np.random.default_rng(4)
    came = merged(usual(random), flood(random), scan(random))
    (found,) = watch(came)
    rows = came.times_ms // MINUTE == AT
    sources, counts = np.unique(came.sources[rows], return_counts=True)
    share = counts / counts.sum()
    ports = max(len(np.unique(came.ports[rows][came.sources[rows] == source])) for source in sources[counts > 5])
    before = np.unique(came.sources[came.times_ms // MINUTE < AT] >> 8)
    assert found.observed[[COUNT, SOURCES, PORTS]].tolist() == [rows.sum(), len(sources), ports]
    assert found.observed[TOP] == pytest.approx(share.max())
    assert found.observed[ENTROPY] == pytest.approx(-(share * np.log2(share)).sum())
    assert found.observed[KNOWN] == pytest.approx(np.isin(sources >> 8, before).mean(), abs=0.002)


def test_batch_boundaries_and_snapshots_do_not_matter() -> None:
    random = np.random.default_rng(5)
    came = merged(usual(random), usual(random, OTHER), flood(random), scan(random))
    late = random.integers(0, len(came.targets), 500)
    came.times_ms[late] -= 5 * MINUTE
    came.times_ms[30_000:30_500] -= 60 * MINUTE  # a clock set back for a while
    whole = watch(came)
    parts = watch(came, sorted(random.integers(0, len(came.targets), 25)))
    assert [(one.sentence, one.end_ms, one.address) for one in parts] == [
        (one.sentence, one.end_ms, one.address) for one in whole
    ]
    assert whole


def test_past_its_limit_a_window_is_counted_and_batches_do_not_matter_there_either() -> None:
    random = np.random.default_rng(9)
    came = merged(usual(random), usual(random, OTHER), flood(random, 60_000))
    (exact,), (whole,) = watch(came), watch(came, limit=2_000)
    assert whole.observed[COUNT] == exact.observed[COUNT]
    assert whole.observed[SOURCES] < 2_000 < exact.observed[SOURCES]
    assert (whole.kind, whole.address) == (exact.kind, exact.address) == ("flood", exact.address)
    (parts,) = watch(came, sorted(random.integers(0, len(came.targets), 40)), limit=2_000)
    assert parts.sentence == whole.sentence
    traffic = Traffic(limit=2_000)
    for first in range(0, len(came.targets), 5_000):
        traffic.observe(Connections(*(column[first : first + 5_000] for column in came)))
        assert len(traffic.snapshot()["open"]) <= 2 * 2_000 + 2


def test_a_finding_is_about_the_newest_record_of_its_target_in_the_window() -> None:
    random = np.random.default_rng(10)
    came = merged(usual(random), usual(random, OTHER), flood(random))
    (found,) = watch(came)
    its = np.flatnonzero((came.times_ms // MINUTE == AT) & (came.targets == TARGET))
    assert found.address == its[-1]


def test_a_late_record_counts_while_its_window_is_open() -> None:
    random = np.random.default_rng(6)
    came = usual(random)
    came.times_ms[1_000:2_000:10] -= 2 * MINUTE
    strict, patient = Traffic(), Traffic(lateness_ms=3 * MINUTE)
    strict.observe(came)
    patient.observe(came)
    assert strict.dropped >= 90
    assert patient.dropped == 0


def test_one_record_from_the_future_closes_no_window() -> None:
    random = np.random.default_rng(7)
    came = usual(random)
    came.times_ms[9_000] += 10**11
    traffic = Traffic()
    assert traffic.observe(came) == []
    assert traffic.dropped == 0


def test_a_clock_set_back_for_good_is_followed() -> None:
    random = np.random.default_rng(8)
    came = merged(usual(random), flood(random))
    came.times_ms[came.times_ms > 30 * MINUTE] -= 600 * MINUTE
    traffic = Traffic()
    (found,) = [one for one in traffic.observe(came) if one.kind == "flood"]
    assert found.end_ms == (AT + 1 - 600) * MINUTE
    assert traffic.dropped < 100


def test_times_that_cannot_be_are_refused() -> None:
    with pytest.raises(DetectorError, match="must be above 0"):
        Traffic(window_ms=0)
