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
