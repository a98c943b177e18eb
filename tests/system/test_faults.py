"""The lab under load, broken: nothing lost, nothing twice, nothing out of order."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.faults.suite import Plan, run_suite
from kafka_cluster.embedded.settings import LabSettings
from tests.system.conftest import CommandLine

pytestmark = [pytest.mark.system, pytest.mark.slow]
SHORT = ("consumer-killed", "broker-killed", "producer-killed", "poison", "model-swapped")


@pytest.mark.timeout(420)
def test_no_fault_loses_repeats_or_disorders_an_anomaly(lab: CommandLine) -> None:
    only = [argument for name in SHORT for argument in ("--only", name)]
    ended = lab.run("faults", *only, "--records", "60000", "--json", timeout_s=400)
    assert ended.returncode == 0, ended.stderr
    rows = lab.last(ended)["faults"]
    assert [row["fault"] for row in rows] == list(SHORT)
    for row in rows:
        assert (row["lost"], row["duplicated"], row["out_of_order"], row["foreign"]) == (0, 0, 0, 0), row
        assert row["anomalies"] > 500
        assert row["recovery_s"] is not None
    assert {row["fault"]: row["dead_letters"] > 0 for row in rows} == {name: name == "poison" for name in SHORT}
    assert rows[0]["restarts"] == 1  # it did die
    assert lab.processes() == []


def test_an_unknown_fault_is_one_clear_line(lab: CommandLine) -> None:
    ended = lab.run("faults", "--only", "earthquake")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: --only: no fault earthquake; there are consumer-killed, ")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("sabotage", ["loses", "repeats"])
def test_a_member_that_breaks_its_promise_is_found_out(
    sabotage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SABOTAGE", sabotage)
    plan = Plan(["consumer-killed"], 20_000, 10_000, 0, module="tests.system.sabotaged_member")
    (row,) = run_suite(LabSettings.read(lab_var=tmp_path), plan, print)
    assert (row.lost > 0, row.duplicated > 0) == (sabotage == "loses", sabotage == "repeats")
    assert row.restarts == 1
    assert not row.clean
