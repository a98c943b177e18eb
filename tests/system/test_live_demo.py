"""`lab demo --live`: this machine is watched, and what is done to it is found."""

from __future__ import annotations

import json
import signal
import time

import httpx2
import pytest

from tests.system.conftest import CommandLine
from tests.system.test_demo import all_gone, read_until

pytestmark = [pytest.mark.system, pytest.mark.slow]
LEARN = ("--learn-seconds", "12")
TRIES = 3


def test_the_stress_is_found_and_a_kept_demo_goes_on_watching_until_lab_down(lab: CommandLine) -> None:
    """What else the machine does meanwhile is not up to this test: now and then that is as strange as the stress."""
    look = CommandLine(lab.var / "demo", lab.env | {"LAB_VAR": str(lab.var / "demo")})
    try:
        for _ in range(TRIES):
            summary = lab.json("demo", "--live", "--stress", "--keep", *LEARN, "--live-seconds", "1")
            assert summary["training_rows"] == 120
            assert summary["metrics"][0] == "cpu"
            assert summary["dead_letters"] == 0
            assert summary["scored"] > 100  # 22 seconds, ten a second; fewer on a machine that is busy otherwise
            assert summary["scored"] <= summary["produced"] - summary["training_rows"] + 20  # beats are a second apart
            assert summary["anomalies"] >= summary["stress"]["records"]
            if summary["stress"]["found"]:
                break
        assert summary["stress"]["found"], summary
        assert 0 <= summary["stress"]["first_record_s"] <= summary["stress"]["seen_s"]
        shown = httpx2.get(f"{summary['page']}/api/v1/anomalies").json()
        assert shown["kept"] >= summary["stress"]["records"]
        beat = lab.var / "demo" / "run" / "producer.json"
        before, deadline = json.loads(beat.read_text())["delivered"], time.monotonic() + 30
        while json.loads(beat.read_text())["delivered"] <= before:
            assert time.monotonic() < deadline, "the kept producer sends nothing"
            time.sleep(0.2)
    finally:
        stopped = look.run("down")
    assert stopped.returncode == 0
    assert "dashboard, prediction-1, producer, " in stopped.stdout
    assert all_gone(lab), lab.processes()


def test_a_live_demo_that_is_killed_within_the_stress_leaves_neither_work_nor_files(lab: CommandLine) -> None:
    demo = lab.start("demo", "--live", "--stress", *LEARN)
    read_until(demo, "stress for")
    time.sleep(1.0)  # into the work
    assert any("stress_worker" in one for one in lab.processes())
    demo.send_signal(signal.SIGKILL)
    demo.communicate(timeout=60)
    assert all_gone(lab), lab.processes()
    assert {path.name for path in (lab.var / "demo").iterdir()} <= {
        "cluster", "cluster.json", "cluster.lock", "detectors.yaml", "host.json", "logs", "models", "run",
    }  # fmt: skip


def test_stress_is_for_live_and_data_for_the_replay(lab: CommandLine) -> None:
    for wrong in (("--stress",), ("--live", "--data", "x")):
        ended = lab.run("demo", *wrong)
        assert ended.returncode == 2
        assert f"{wrong[-1] if wrong[0] == '--stress' else '--data'}" in ended.stderr
