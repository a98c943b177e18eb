"""The API against its own document: whatever is sent, it answers as it says it does, and never with a 500."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case

from dashboard.app import make_app
from dashboard.board import Board, Known
from dashboard.context import Context, Streams
from dashboard.security import CSRF_HEADER
from dashboard.settings import DashboardSettings
from kafka_cluster.clock import ManualClock, Stop
from tests.unit.dashboard.conftest import METRICS, NOW_S, PIPELINE, Page, anomaly, take

EXAMPLES = 10


def _app() -> object:
    clock = ManualClock(NOW_S)
    board = Board(DashboardSettings.read(), clock, Known())
    board.begin(METRICS)
    take(board, 50)
    board.put_anomaly(anomaly(1))
    board.pipeline = PIPELINE
    page = Page(board, clock)
    stopped = Stop()
    stopped.request()  # so that the stream ends
    return make_app(Context(board, clock, stopped, page, Streams(1_000), page.write, None), ("localhost", "127.0.0.1"))


schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", _app(), headers={"host": "127.0.0.1"})


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_keeps_its_word(case: Case[Any]) -> None:
    case.headers.update({"host": "127.0.0.1", CSRF_HEADER: "1"})
    case.call_and_validate()
