from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.explain import SIDE
from detectors.key_table import key_ids
from detectors.panel import Finding, Panel, Records
from detectors.plan import Plan, read
from detectors.profile import Profile

METRICS = ("network", "disk", "cpu")
MINUTE = 60_000
START = 1_700_006_400_000  # midnight, UTC

TEXT = """
rules: rules.yaml
silence: {grace: 5m}
detectors:
  - {detector: cusum, keys: web-*}
  - {name: leak, detector: trend, metrics: disk, warm_up: 96}
"""
RULES = "rules:\n  - {name: hot, when: cpu > 90 for 3m, severity: HIGH}\n  - {name: gone, when: absent for 1h}"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "rules.yaml").write_text(RULES)
    return written(tmp_path, TEXT)


def written(folder: Path, text: str) -> Plan:
    (folder / "detectors.yaml").write_text(text)
    return read(folder / "detectors.yaml", "metrics", METRICS)


def stream(minutes: int = 400) -> tuple[list[bytes], Any, Any]:
    """Three keys, a record a minute: a shift of network, a leak of disk, a hot cpu, a key that stops."""
    names = [b"web-1", b"web-2", b"db-1"] * minutes
    times = np.repeat(START + np.arange(minutes) * MINUTE, 3)
    values = np.random.default_rng(0).normal([100, 50, 20], [5, 2, 1], (3 * minutes, 3))
    at, key = np.arange(3 * minutes) // 3, np.arange(3 * minutes) % 3
    values[(at > 200) & (key != 1), 0] += 30
    values[key == 2, 1] += np.maximum(0, at[key == 2] - 150) * 0.1
    values[(at > 250) & (at < 260) & (key == 1), 2] = 95
    stays = (key != 1) | (at < 300)
    return [name for name, its in zip(names, stays, strict=True) if its], times[stays], values[stays]


def judge(
    panel: Panel, names: list[bytes], times: Any, values: Any, first: int = 0, last: int | None = None
) -> list[Finding]:
    part = slice(first, last)
    its = names[part]
    records = Records(key_ids(its), times[part], values[part], np.arange(len(names))[part], lambda row: its[row])
    return panel.judge(records, Profile.learn(times[:300], values[:300]))


def test_each_detector_serves_its_keys_and_metrics_and_says_why(plan: Plan) -> None:
    names, times, values = stream()
    panel = Panel(plan, METRICS)
    panel.warm()
    found = judge(panel, names, times, values)
    by = {name: [one for one in found if one.detector == name] for name in {one.detector for one in found}}
    assert by.keys() == {"cusum", "leak", "rules/hot", "rules/gone", "silence"}
    shift = next(one for one in by["cusum"] if one.key == b"web-1" and one.time_ms > START + 200 * MINUTE)
    assert {one.key for one in by["cusum"]} <= {b"web-1", b"web-2"}
    assert shift.evidence[0][0] == "network"
    assert shift.evidence[0][SIDE] == 1
    assert sum(entry[3] for entry in shift.evidence) == pytest.approx(1)
    assert shift.sentence.startswith("network is lastingly above ")
    assert by["leak"][0].key == b"db-1"
    assert by["leak"][0].sentence.startswith("disk rises by ")
    (hot,) = by["rules/hot"]
    assert (hot.key, hot.severity, hot.score > hot.threshold) == (b"web-2", 2, True)
    assert hot.sentence.startswith("cpu 95 > 90 for 3m")
    (silent,) = by["silence"]
    assert (silent.key, names[silent.address], silent.time_ms) == (
        b"web-2",
        b"web-2",
        times[silent.address] + 3 * MINUTE,
    )
    assert [one.key for one in by["rules/gone"]] == [b"web-2"]


def test_batch_boundaries_do_not_matter(plan: Plan) -> None:
    names, times, values = stream()
    whole = judge(Panel(plan, METRICS), names, times, values)
    panel, found = Panel(plan, METRICS), []
    for first, last in pairwise([0, 1, 2, 90, 500, 501, 777, len(names)]):
        found += judge(panel, names, times, values, first, last)
    assert sorted(found) == sorted(whole)


def test_a_changed_plan_keeps_the_detectors_that_it_has_in_common(plan: Plan, tmp_path: Path) -> None:
    names, times, values = stream()
    whole = [one for one in judge(Panel(plan, METRICS), names, times, values) if one.detector != "leak"]
    first = Panel(plan, METRICS)
    found = judge(first, names, times, values, 0, 590)
    second = Panel(written(tmp_path, TEXT.replace("warm_up: 96", "warm_up: 48")), METRICS, first)
    found += judge(second, names, times, values, 590)
    assert sorted(one for one in found if one.detector != "leak") == sorted(whole)


def test_nothing_costs_nothing(plan: Plan) -> None:
    names, times, values = stream()
    assert judge(Panel(plan, METRICS), names, times, values, 0, 0) == []
    assert judge(Panel(Plan(), METRICS), names, times, values) == []
