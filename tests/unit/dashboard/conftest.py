"""A board with something on it, and the application around it, without Kafka."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from dashboard.app import make_app
from dashboard.board import Board, Known
from dashboard.context import Context, Streams
from dashboard.pipeline_shapes import PipelineOut
from dashboard.settings import DashboardSettings
from kafka_cluster.clock import ManualClock, Stop
from kafka_cluster.records import Anomaly, Direction, Evidence, Severity, Verdict

METRICS = ("network", "cpu")
NOW_S = 1_700_000_000.0
PIPELINE = PipelineOut(
    at_ms=0, records=50, rate=1.0, rates=[1.0], quiet_s=None, partitions=[], group="prediction", group_state="stable",
    members=[], scored_rate=1.0, lag=0, lag_s=0.0, anomalies=1, open_anomalies=1, dead_letters=0, dead_letters_total=0,
    history=None, alerts=None,
    dead_letters_by_error={}, keys=2, looked_at=1.0, waiting=None, troubles=[],
)  # fmt: skip


def anomaly(number: int, key: str = "host-1", **changes: Any) -> Anomaly:
    evidence = (Evidence("network", 41.0, 1.0, 0.9, Direction.ABOVE), Evidence("cpu", 2.0, 2.0, 0.1, Direction.USUAL))
    made = Anomaly(
        f"{number:032x}", "metrics", 0, number, key, 1_000 * number, "isolation-forest", "v1", 0.8, 0.6, Severity.HIGH,
        evidence, "network 41x the usual for 16:00 UTC; cpu normal",
    )  # fmt: skip
    return made._replace(**changes)


def take(board: Board, count: int, keys: int = 2, first: int = 0) -> None:
    """`count` records, a second apart, of so many keys in turn."""
    numbers = np.arange(first, first + count)
    values = np.column_stack([numbers, -numbers]).astype(np.float64)
    names, partitions = [f"host-{n % keys}" for n in numbers], [int(n % keys) for n in numbers]
    board.take(names, partitions, numbers * 1000, values, whole=True)


@dataclass
class Page:
    """The application under test; `written` is what went to the verdicts topic."""

    board: Board
    clock: ManualClock
    token: str | None = None
    written: list[tuple[str, Verdict | None]] = field(default_factory=list)
    fails: Exception | None = None
    turns: bool = True

    def turn(self) -> bool:
        return self.turns

    def write(self, anomaly_id: str, verdict: Verdict | None) -> None:
        if self.fails is not None:
            raise self.fails
        self.written.append((anomaly_id, verdict))
        self.board.judge(anomaly_id, verdict)

    @property
    def client(self) -> TestClient:
        context = Context(self.board, self.clock, Stop(), self, Streams(2), self.write, self.token)
        app = make_app(context, ("localhost", "127.0.0.1"))
        return TestClient(app, base_url="http://127.0.0.1:8080", raise_server_exceptions=False)


@pytest.fixture
def board() -> Board:
    made = Board(DashboardSettings.read(dashboard_points=100, dashboard_key_points=20), ManualClock(NOW_S), Known())
    made.begin(METRICS)
    return made


@pytest.fixture
def page(board: Board) -> Page:
    return Page(board, ManualClock(NOW_S))
