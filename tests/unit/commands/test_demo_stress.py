from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from commands import stress_worker
from commands.demo_live_summary import stress_line
from commands.demo_stress import Seen, Watched, judge
from commands.stress_worker import Pace
from kafka_cluster.clock import ManualClock, Stop, SystemClock
from kafka_cluster.embedded.settings import CHECKOUT


def seen(*times_s: float, after_s: float = 0.2) -> list[Seen]:
    return [Seen(round(at * 1000), at + after_s) for at in times_s]


def test_a_stress_with_anomalies_in_it_after_quiet_seconds_is_found_and_when_is_told() -> None:
    verdict = judge(seen(108.4, 108.5, 109.0), 100.0, 108.0, 118.0)
    assert verdict.found
    assert (verdict.records, verdict.before) == (3, 0)
    assert verdict.first_record_s == 0.4
    assert verdict.seen_s == 0.6


def test_a_stress_without_anomalies_is_not_found() -> None:
    verdict = judge(seen(101.0, 119.0), 100.0, 108.0, 118.0)
    assert not verdict.found
    assert (verdict.records, verdict.before, verdict.seen_s) == (0, 1, None)
    assert stress_line(vars(verdict)) == "NOT found: 0 strange records within it, 1 in the quiet seconds before"


def test_no_more_anomalies_than_chance_makes_expect_find_nothing() -> None:
    quiet = seen(*[100.0 + at for at in range(8)])  # one a second
    assert not judge(quiet + seen(*[108.0 + at for at in range(10)]), 100.0, 108.0, 118.0).found
    assert judge(quiet + seen(*[108.0 + at / 4 for at in range(40)]), 100.0, 108.0, 118.0).found


def test_a_record_that_two_detectors_agree_on_is_one() -> None:
    verdict = judge(seen(101.0, 101.0, 109.0, 109.0, 110.0), 100.0, 108.0, 118.0)
    assert (verdict.records, verdict.before) == (2, 1)


def test_anomalies_of_records_before_the_live_part_count_nowhere() -> None:
    assert judge(seen(90.0, 99.9), 100.0, 108.0, 118.0).before == 0


def test_the_record_that_holds_the_end_of_the_stress_belongs_to_it() -> None:
    assert judge(seen(118.1), 100.0, 108.0, 118.0).records == 1
    assert judge(seen(118.6), 100.0, 108.0, 118.0).records == 0


def test_without_stress_there_is_no_verdict() -> None:
    assert Watched(began_s=100.0).verdict() is None


def test_the_pace_is_kept_and_what_was_missed_is_not_made_up_for() -> None:
    clock = ManualClock(0.0)
    pace = Pace(1_000.0, clock)
    for _ in range(10):
        pace.wait(500)
    assert clock.now() == pytest.approx(5.0)
    clock.sleep(60.0)
    for _ in range(10):
        pace.wait(500)
    assert clock.now() == pytest.approx(70.0, abs=0.2)


def worker(seconds: float, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "commands.stress_worker", str(seconds), str(folder)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, stdout=subprocess.DEVNULL)


def test_the_worker_ends_by_itself_niced_and_leaves_no_file(tmp_path: Path) -> None:
    one = worker(0.5, tmp_path)
    niceness = set()
    while one.poll() is None:
        try:
            niceness.add(psutil.Process(one.pid).nice())
        except psutil.NoSuchProcess:
            break
    assert one.wait() == 0
    assert max(niceness) >= min(19, os.nice(0) + stress_worker.NICE)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_worker_leaves_no_file_either(tmp_path: Path) -> None:
    one = worker(60, tmp_path)
    while psutil.Process(one.pid).num_threads() < 4:  # burning, writing and sending
        assert one.poll() is None
    one.kill()
    one.wait()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_the_writing_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stop = Stop()
    stress_worker.write(tmp_path / "gone", SystemClock(stop), stop)
    assert "no more writing" in capsys.readouterr().err
