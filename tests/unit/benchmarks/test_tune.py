from __future__ import annotations

from typing import Any

from benchmarks.experiments.tune import IN_FLIGHT, SIZES, lines
from benchmarks.experiments.tune_plot import draw
from consumer_history.cassandra_settings import CassandraSettings

RESULT: dict[str, Any] = {
    "store": "rows", "batch": 20_000, "seconds_a_point": 2.0, "rounds": 2, "default": {"size": 2_000, "in_flight": 16},
    "best": {"size": 2_000, "in_flight": 8, "events_per_s": 70_000, "p50_ms": 280.0, "p99_ms": 400.0},
    "points": [
        {"size": size, "in_flight": flying, "events_per_s": 1_000 * flying, "p50_ms": 300 / flying, "p99_ms": 500.0}
        for size in (200, 2_000) for flying in (1, 16)
    ],
}  # fmt: skip


def test_the_default_settings_are_among_those_measured() -> None:
    settings = CassandraSettings.read()
    assert settings.history_in_flight in IN_FLIGHT
    assert settings.history_rows_a_request in SIZES["rows"]
    assert settings.history_events_a_chunk in SIZES["chunks"]


def test_the_best_is_named_and_the_picture_drawn() -> None:
    assert "70,000/s" in lines(RESULT)[0]
    assert draw(RESULT).startswith(b"\x89PNG")
