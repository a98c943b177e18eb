import json
import subprocess
import sys
from pathlib import Path

import pytest

from kafka_cluster import heartbeat
from kafka_cluster.clock import ManualClock
from kafka_cluster.errors import LabError
from kafka_cluster.exporter import Exporter
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.metrics import PRODUCER


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run" / "beat.json"


def test_a_turning_loop_is_healthy_and_a_stuck_one_is_not(file: Path) -> None:
    clock = ManualClock(1_000)
    Heartbeat(file, clock).beat("scoring")
    clock.sleep(heartbeat.HEARTBEAT_MAX_AGE_S)
    assert heartbeat.check(file, clock).startswith("scoring")
    clock.sleep(1)
    with pytest.raises(LabError, match="31 s ago, in state 'scoring'"):
        heartbeat.check(file, clock)


def test_a_program_that_never_beat_is_not_healthy(file: Path) -> None:
    with pytest.raises(LabError, match="no heartbeat"):
        heartbeat.check(file, ManualClock())


def test_the_file_is_written_once_a_second_and_at_every_change_of_state(file: Path) -> None:
    clock = ManualClock(1_000)
    heart = Heartbeat(file, clock, id="one")
    heart.beat("scoring", scored=1)
    heart.beat("scoring", scored=2)
    assert heartbeat.read(file)["scored"] == 1
    clock.sleep(heartbeat.WRITE_EVERY_S)
    heart.beat("scoring", scored=3)
    assert heartbeat.read(file)["scored"] == 3
    heart.beat("stopped", scored=4)
    assert heartbeat.read(file) == heartbeat.read(file) | {"state": "stopped", "scored": 4, "id": "one"}


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    Heartbeat(None, ManualClock()).beat("scoring")
    assert list(tmp_path.iterdir()) == []


def test_the_check_as_a_program(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["heartbeat", str(file)])
    assert heartbeat.main() == 1
    file.parent.mkdir()
    file.write_text(json.dumps({"at": 9e12, "state": "scoring"}))
    assert heartbeat.main() == 0


def test_every_beat_is_told_to_the_meter_also_without_a_file() -> None:
    meter, clock = Exporter(PRODUCER), ManualClock(5.0)
    heartbeat = Heartbeat(None, clock, meter=meter)
    heartbeat.beat("working")
    clock.sleep(0.25)
    heartbeat.beat("working")
    assert "\nlab_heartbeat_timestamp_seconds 5.25\n" in meter.text()


def test_a_health_check_does_not_load_numpy() -> None:
    loaded = "import sys, kafka_cluster.heartbeat; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
