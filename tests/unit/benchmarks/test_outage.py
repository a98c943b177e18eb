from __future__ import annotations

from benchmarks.experiments.outage import Outage, by_cell, by_device
from kafka_cluster.records import Anomaly, Severity

CELL, OTHER = 0x8518660BFFFFFFF, 0x851F966FFFFFFFF
OUTAGE = Outage(CELL, 1_000, 2_000)


def anomaly(cell: int, timestamp: int, score: float) -> Anomaly:
    return Anomaly(
        "id", "events", 0, 0, f"{cell:x}", timestamp, "cusum", "v", score, 0.5, Severity.LOW, (), "because"
    )  # fmt: skip


def test_only_what_alarmed_while_it_lasted_counts_and_the_strongest_comes_first() -> None:
    found = by_cell(
        [anomaly(OTHER, 900, 0.99), anomaly(OTHER, 1_200, 0.6), anomaly(CELL, 1_300, 0.55), anomaly(CELL, 1_400, 0.8),
         anomaly(CELL, 2_001, 0.9)],
        OUTAGE,
    )  # fmt: skip
    assert (found["alarms"], found["cells_with_alarms"], found["rank_of_the_outage"]) == (3, 2, 1)
    assert found["found_after_ms"] == 300
    assert found["scores"] == {OUTAGE.name: 0.8, f"{OTHER:x}": 0.6}


def test_an_outage_that_nobody_saw_has_no_rank() -> None:
    found = by_cell([anomaly(OTHER, 1_200, 0.6)], OUTAGE)
    assert found["rank_of_the_outage"] is None
    assert found["found_after_ms"] is None
    assert by_device([anomaly(OTHER, 1_200, 0.6)], OUTAGE)["alarms_in_the_outage"] == 0
