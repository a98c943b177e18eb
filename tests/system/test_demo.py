"""The first thing that anyone sees: `lab demo`, whatever happens to it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from itertools import chain
from pathlib import Path

import httpx2
import pytest

from producer.data_settings import BESIDE
from tests.system.conftest import CommandLine

pytestmark = [pytest.mark.system, pytest.mark.slow]
HAS_REAL_DATA = any((root / "data" / "realAWSCloudwatch").is_dir() for root in BESIDE)
KEYS = {"data", "produced", "training_rows", "test_rows", "scored", "anomalies", "anomalies_in_windows", "consumers",
        "plot", "bundle", "seconds"}  # fmt: skip


def read_until(process: subprocess.Popen[str], text: str) -> None:
    """Read the demo's words up to a line with `text`."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    pytest.fail(f"the demo ended before it said {text!r}")


def all_gone(lab: CommandLine, within_s: float = 15) -> bool:
    deadline = time.monotonic() + within_s
    while lab.processes() and time.monotonic() < deadline:
        time.sleep(0.2)
    return lab.processes() == []


@pytest.mark.parametrize(
    ("how", "after"),
    [
        (signal.SIGKILL, "consumers"),
        (signal.SIGINT, "topics"),
        (signal.SIGINT, "training"),
        (signal.SIGTERM, "data"),
        (signal.SIGKILL, "servers"),
    ],
)
def test_a_demo_that_is_cut_off_leaves_no_process(lab: CommandLine, how: signal.Signals, after: str) -> None:
    demo = lab.start("demo")
    read_until(demo, f"✓ {after}")
    time.sleep(0.5)  # into the next step
    demo.send_signal(how)
    _, error = demo.communicate(timeout=60)
    assert demo.returncode == (-9 if how is signal.SIGKILL else 130), error
    assert all_gone(lab), lab.processes()


def test_the_demo_tells_the_whole_story_after_demos_that_were_killed(lab: CommandLine) -> None:
    summary = lab.json("demo", "--live-seconds", "4")
    assert lab.processes() == []
    assert summary.keys() >= KEYS
    assert summary["training_rows"] + summary["test_rows"] == summary["produced"]
    assert summary["scored"] == summary["test_rows"]
    held = list(chain.from_iterable(consumer["partitions"] for consumer in summary["consumers"]))
    assert sorted(held) == [0, 1, 2, 3]
    assert [consumer["id"] for consumer in summary["consumers"]] == ["prediction-1", "prediction-2"]
    assert sum(consumer["scored"] for consumer in summary["consumers"]) == summary["scored"]
    assert 0 < summary["anomalies_in_windows"] <= summary["anomalies"]
    assert Path(summary["plot"]).read_bytes().startswith(b"\x89PNG")
    assert (Path(summary["bundle"]) / "manifest.json").exists()
    assert summary["cluster_mb"] < 1_500
    if HAS_REAL_DATA:
        figures = (summary["produced"], summary["training_rows"], summary["test_rows"], summary["scored"])
        assert figures == (1_897, 1_138, 759, 759)


def test_everything_that_it_writes_is_under_var(lab: CommandLine) -> None:
    """Runs after the demo; the folder it was started in is var itself, so a stray file would lie there."""
    assert {path.name for path in lab.var.iterdir()} <= {"demo", "numba", "matplotlib"}


def test_a_port_in_use_is_named_with_its_holder_and_the_way_out(lab: CommandLine) -> None:
    port = lab.env["LAB_BROKER_PORT"]
    hold = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); print(flush=True); time.sleep(60)"
    holder = subprocess.Popen(["python3", "-c", hold], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        ended = lab.run("demo")
    finally:
        holder.kill()
        holder.communicate()
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert port in last
    assert str(holder.pid) in last
    assert "LAB_PORT_OFFSET" in last
    assert "Traceback" not in ended.stderr
    assert all_gone(lab)


def test_unusable_data_is_named_before_anything_starts(lab: CommandLine, tmp_path: Path) -> None:
    ended = lab.run("demo", "--data", str(tmp_path))
    assert ended.returncode == 1
    assert str(tmp_path) in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_kept_clusters_can_be_looked_at_and_are_replaced_by_the_next_demo(lab: CommandLine) -> None:
    kept = lab.run("demo", "--keep", "--live-seconds", "2", "--consumers", "1", "--json")
    assert kept.returncode == 0, kept.stderr
    page = json.loads(kept.stdout.splitlines()[-1])["page"]
    look = CommandLine(lab.var / "demo", lab.env | {"LAB_VAR": str(lab.var / "demo")})
    try:
        assert [server["healthy"] for server in look.json("status")["servers"]] == [True] * 3
        shown = httpx2.get(f"{page}/api/v1/anomalies").json()
        assert shown["kept"] > 0
        anomalies = look.run("tail", "anomalies").stdout.splitlines()
        assert anomalies
        assert all('"reason"' in line for line in anomalies)
    finally:
        assert look.run("down").returncode == 0
    assert all_gone(lab), lab.processes()
