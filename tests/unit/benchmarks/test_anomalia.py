"""The arithmetic of the history's bench, and what its command refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.anomalia import PARTITIONS, Plan, Sample, bytes_of, figures, lines, log_bytes_of
from commands.bench import anomalia
from kafka_cluster.errors import LabError, SettingsError

NAMED = ["events_per_s", "checks_per_s", "rows_per_s", "history_mb", "recover_s", "cores", "checks_per_day",
         "cores_for_19_billion_a_day"]  # fmt: skip
AGAIN = {"rebuild_s": 2.5, "rebuilt": 900, "partitions": list(range(PARTITIONS)), "state": "checking"}


def sample(at: float, stored: int, checked: int, **cpu_s: float) -> Sample:
    beat = {"at": at, "stored": stored, "checked": checked, "rows": stored // 100, "keys": 7, "history_mb": 4.7}
    return Sample(beat, cpu_s)


FIRST = sample(100.0, 1_000, 500, worker=1.0, broker=10.0)
LAST = sample(110.0, 2_001_000, 1_000_500, worker=9.0, broker=18.0)


def test_rates_are_those_between_the_two_samples_and_cores_what_everybody_used() -> None:
    found = figures(FIRST, LAST, AGAIN)
    assert [name for name in found if name != "measured"] == NAMED
    assert [found[name] for name in NAMED[:3]] == [200_000, 100_000, 2_000]
    assert (found["recover_s"], found["cores"]) == (2.5, 1.6)
    assert found["checks_per_day"] == 8_640_000_000
    assert found["cores_for_19_billion_a_day"] == round(1.6 * 19 / 8.64, 2)


def test_where_nothing_is_checked_no_number_of_cores_would_do() -> None:
    found = figures(FIRST, sample(110.0, 2_001_000, 500, worker=9.0, broker=18.0), AGAIN)
    assert (found["checks_per_s"], found["cores_for_19_billion_a_day"]) == (0, None)


def test_a_window_of_nothing_is_one_clear_line() -> None:
    with pytest.raises(LabError, match="over before it had begun"):
        figures(FIRST, FIRST, AGAIN)


def test_the_topic_is_filled_for_the_fastest_store_and_until_every_key_has_values() -> None:
    small, large = (Plan(("rows", "memory"), 10, keys, "1") for keys in (1_000, 1_000_000))
    assert small.events > 900_000 * 10
    assert large.events - small.events > 25 * 900_000


def test_a_tables_size_is_that_of_its_own_files(tmp_path: Path) -> None:
    for table, name in (
        ("events-1", "a-Data.db"),
        ("events-1", "a-Index.db"),
        ("events-1", "note"),
        ("chunks-1", "a.db"),
    ):
        folder = tmp_path / "data" / "anomaly_lab" / table
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * 10)
    assert bytes_of(tmp_path, "events") == 20


def test_the_table_has_a_column_a_store() -> None:
    found = figures(FIRST, LAST, AGAIN)
    shown = lines({"rows": found, "chunks": found})
    assert shown[0].split() == ["rows", "chunks"]
    assert shown[1].split() == ["events_per_s", "200,000", "200,000"]
    assert len(shown) == 1 + len(NAMED)


def test_what_is_no_store_or_no_probability_is_refused_before_anything_starts() -> None:
    with pytest.raises(LabError, match="memory, rows, chunks, baseline, and all"):
        anomalia(store="paper")
    with pytest.raises(SettingsError, match="CHECK_PROBABILITY"):
        anomalia(check_probability="2")


def test_a_topics_size_is_that_of_its_own_segments(tmp_path: Path) -> None:
    for name in ("events-0/0.log", "events-1/0.log", "events-1/0.index", "anomalies-0/0.log", "events-ab12/a-Data.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    assert log_bytes_of(tmp_path, "events") == 10
