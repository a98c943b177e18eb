"""`lab experiment`: short runs of each, on clusters of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.system.conftest import CommandLine

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(400)]
PNG = b"\x89PNG"


def test_a_regional_outage_is_found_by_cell_and_not_by_device(lab: CommandLine, tmp_path: Path) -> None:
    plot = tmp_path / "outage.png"
    shape = ("--devices", "2000", "--rate", "4000", "--resolution", "3", "--begin", "5", "--lasts", "3")
    result = lab.json("experiment", "outage", *shape, "--plot", str(plot))
    assert result["events"] == 40_000
    assert result["by_cell"]["rank_of_the_outage"] == 1
    assert result["by_cell"]["strongest"][0]["cell"] == result["outage"]["cell"]
    assert result["by_device"]["alarms_in_the_outage"] == 0
    assert plot.read_bytes().startswith(PNG)
    assert json.loads(plot.with_suffix(".json").read_text()).items() > result.items()
    assert lab.processes() == []


def test_a_spike_is_held_drained_and_stored(lab: CommandLine, tmp_path: Path) -> None:
    plot = tmp_path / "spike.png"
    shape = ("--store", "memory", "--rate", "1000", "--lasts", "3", "--calm", "3", "--keys", "100")
    result = lab.json("experiment", "spike", *shape, "--plot", str(plot))
    assert result["not_stored"] == 0
    assert result["events"] >= 27_000  # of the spike alone
    assert result["highest_arrival_per_s"] > 3 * result["rate"]
    assert result["last_check_share"] == 1
    assert plot.read_bytes().startswith(PNG)
    assert lab.processes() == []


def test_tuning_measures_every_setting_asked_for(lab: CommandLine, tmp_path: Path) -> None:
    plot = tmp_path / "tune.png"
    settings = ("--size", "200", "--size", "1000", "--in-flight", "1", "--in-flight", "4")
    result = lab.json(
        "experiment", "tune", "--seconds", "0.2", "--rounds", "1", "--batch", "2000", *settings, "--plot", str(plot)
    )
    measured = [(point["size"], point["in_flight"]) for point in result["points"]]
    assert measured == [(200, 1), (200, 4), (1000, 1), (1000, 4)]
    assert min(point["events_per_s"] for point in result["points"]) > 0
    assert plot.read_bytes().startswith(PNG)
    assert lab.processes() == []
