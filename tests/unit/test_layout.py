"""The folders, and who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONSUMERS = ("consumer_training", "consumer_prediction", "consumer_history", "consumer_traffic", "consumer_alerts")
MAY_IMPORT: dict[str, set[str]] = {
    "kafka_cluster": set(),
    "detectors": set(),
    "producer": {"kafka_cluster"},
    "consumer_training": {"kafka_cluster", "detectors"},
    "consumer_prediction": {"kafka_cluster", "detectors"},
    "consumer_history": {"kafka_cluster", "detectors"},
    "consumer_traffic": {"kafka_cluster", "detectors"},
    "consumer_alerts": {"kafka_cluster", "detectors"},
    "dashboard": {"kafka_cluster", "detectors"},
    "commands": {"kafka_cluster", "detectors", "producer", *CONSUMERS, "dashboard", "benchmarks"},
    "benchmarks": {"kafka_cluster", "detectors", "producer", *CONSUMERS, "dashboard", "commands"},
}


def imported(file: Path) -> set[str]:
    """The lab's folders that a file imports, at any depth of its code."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names & MAY_IMPORT.keys()


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_follow_the_data(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    allowed = MAY_IMPORT[folder] | {folder}
    assert {str(file): wrong for file in files if (wrong := imported(file) - allowed)} == {}


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT.keys() - {"commands", "benchmarks"}))
def test_only_the_clock_sleeps(folder: str) -> None:
    callers = [
        str(file.relative_to(ROOT))
        for file in (ROOT / folder).rglob("*.py")
        if "time.sleep(" in file.read_text() and file.name != "clock.py"
    ]
    assert callers == []


def test_the_locks_agree_on_every_version() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (ROOT / name).read_text().splitlines()
        return dict(line.split(" ")[0].split("==") for line in lines if "==" in line and not line.startswith(" "))

    whole, image, test = pins("requirements.lock"), pins("requirements-image.lock"), pins("requirements-test.lock")
    assert image.items() <= whole.items() <= test.items()


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-image.lock", "requirements-test.lock", "requirements-bench.lock"]
)
def test_a_lock_has_a_hash_for_every_package_and_names_no_host(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    packages = [block for block in text.replace("\\\n", " ").splitlines() if "==" in block]
    assert packages
    assert [block for block in packages if "--hash=sha256:" not in block] == []
