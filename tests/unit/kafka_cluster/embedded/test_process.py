from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded import process
from kafka_cluster.embedded.process import Process
from kafka_cluster.errors import LabError

ROOT = Path(__file__).parents[4]
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


def wait_until_up(log: Path) -> None:
    clock = SystemClock()
    for _ in range(1000):
        if log.exists() and "up" in log.read_text():
            return
        clock.sleep(0.02)
    pytest.fail(f"nothing in {log}")


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    started = process.spawn("sleeper", SLEEP, tmp_path / "sleeper.log")
    wait_until_up(tmp_path / "sleeper.log")
    yield started
    process.stop(started)


def test_a_process_is_stopped_by_sigterm(sleeper: Process) -> None:
    assert sleeper.is_alive()
    assert sleeper.rss_bytes() > 0
    assert process.stop(sleeper) == "stopped"
    assert not sleeper.is_alive()
    assert sleeper.rss_bytes() == 0


def test_one_that_ignores_sigterm_is_killed_after_the_time(tmp_path: Path) -> None:
    deaf = process.spawn("deaf", DEAF, tmp_path / "deaf.log")
    wait_until_up(tmp_path / "deaf.log")
    assert process.stop(deaf, timeout_s=0.1) == "killed"
    assert not deaf.is_alive()


def test_a_recycled_pid_is_not_ours_and_is_not_touched(sleeper: Process) -> None:
    predecessor = dataclasses.replace(sleeper, started=sleeper.started - 60)
    assert not predecessor.is_alive()
    assert process.stop(predecessor) == "was not running"
    assert sleeper.is_alive()


def test_a_process_that_ended_is_not_alive_though_nobody_waited_for_it(sleeper: Process) -> None:
    os.kill(sleeper.pid, signal.SIGKILL)
    psutil.Process(sleeper.pid).wait(10)
    assert not sleeper.is_alive()
    assert process.stop(sleeper) == "was not running"


def test_the_children_of_a_process_end_with_it(tmp_path: Path) -> None:
    parent = "import subprocess, sys; c = subprocess.Popen(sys.argv[1:]); c.wait()"
    log = tmp_path / "parent.log"
    started = process.spawn("parent", [sys.executable, "-c", parent, *SLEEP], log)
    wait_until_up(log)
    (child,) = psutil.Process(started.pid).children()
    process.stop(started)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_output_of_both_kinds_is_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "both.log"
    both = "import sys; print('out'); print('err', file=sys.stderr)"
    started = process.spawn("both", [sys.executable, "-c", both], log)
    psutil.Process(started.pid).wait(10)
    assert sorted(log.read_text().split()) == ["err", "out"]


def test_a_command_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot start /nowhere/java"):
        process.spawn("server", ["/nowhere/java"], tmp_path / "log")


def test_processes_are_found_by_an_argument(tmp_path: Path) -> None:
    marker = f"-Dlab.server={tmp_path}"
    started = process.spawn("marked", [*SLEEP, marker], tmp_path / "log")
    wait_until_up(tmp_path / "log")
    assert [one.pid for one in process.running(marker)] == [started.pid]
    process.stop(started)
    assert list(process.running(marker)) == []


@pytest.mark.parametrize("leashed", [True, False])
def test_a_leashed_process_dies_with_a_parent_killed_by_sigkill_and_only_a_leashed_one(
    tmp_path: Path, leashed: bool
) -> None:
    log = tmp_path / "child.log"
    script = (
        "import sys, time; from pathlib import Path; from kafka_cluster.embedded import process\n"
        f"child = process.spawn('child', {SLEEP!r}, Path({str(log)!r}), leashed={leashed})\n"
        "print(child.pid, child.started, flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, started = parent.stdout.readline().split()
        child = Process("child", int(pid), float(started))
        wait_until_up(log)
        assert child.is_alive()
        parent.kill()
        parent.wait()
    clock = SystemClock()
    for _ in range(250 if leashed else 5):
        if not child.is_alive():
            break
        clock.sleep(0.02)
    assert child.is_alive() is not leashed
    process.stop(child)


def test_the_leash_lets_nothing_run_when_the_parent_is_gone_already(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    not_our_parent = str(os.getppid())
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(process.LEASH), not_our_parent, "touch", str(mark)], check=False
    )
    assert done.returncode == 1
    assert not mark.exists()
