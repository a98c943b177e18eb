"""detectors.yaml in a prediction consumer, on the real broker."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from kafka_cluster.records import Anomaly
from tests.integration.conftest import Lab

pytestmark = pytest.mark.integration

DETECTORS = """
rules: rules.yaml
silence: {}
detectors:
  - {detector: cusum, keys: "*"}
"""
RULES = """
rules:
  - {name: busy, when: "avg(cpu, 2h) > 30 for 30m"}
"""


def run(lab: Lab, group: str, rows: int, stops: int = 0, **settings: Any) -> Counter[Anomaly]:
    """What a group of one member finds, which is stopped and started again so often."""
    lab.group, before, done = group, Counter(lab.anomalies()), 0
    for stop in range(stops + 1):
        member = lab.member("one", detectors_file=lab.folder / "detectors.yaml", **settings)
        enough = rows if stop == stops else done + 1
        lab.wait(lambda done=done, enough=enough, member=member: done + member.counts.scored >= enough, "scores")  # type: ignore[misc]  # defaults bind the loop's own values
        done += member.end().scored
    assert done == rows
    return Counter(lab.anomalies()) - before


def test_keyed_detectors_find_the_same_however_often_the_member_is_stopped(lab: Lab) -> None:
    (lab.folder / "detectors.yaml").write_text(DETECTORS)
    (lab.folder / "rules.yaml").write_text(RULES)
    lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=8)
    rows = lab.train().test_rows
    whole = run(lab, f"{lab.group}-whole", rows)
    parts = run(lab, f"{lab.group}-parts", rows, stops=3, prediction_batch=200)
    by = Counter(anomaly.detector for anomaly in whole)
    assert by["cusum"] > 0
    assert by["rules/busy"] > 0
    assert by["isolation-forest"] > 0
    assert parts == whole
    assert len({anomaly.id for anomaly in whole}) == whole.total()
