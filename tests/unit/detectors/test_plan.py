from __future__ import annotations

from pathlib import Path

import pytest

from detectors.config_file import ConfigError
from detectors.plan import Plan, read, stamps

METRICS = ("network", "disk", "cpu")


def plan(folder: Path, text: str, rules: str | None = None) -> Plan:
    (folder / "detectors.yaml").write_text(text)
    if rules is not None:
        (folder / "rules.yaml").write_text(rules)
    return read(folder / "detectors.yaml", "metrics", METRICS)


def test_all_that_a_plan_can_say(tmp_path: Path) -> None:
    found = plan(
        tmp_path,
        """
forest: false
rules: rules.yaml
silence: {keys: web-*, grace: 5m}
detectors:
  - detector: cusum
    metrics: [cpu, disk]
    options: {decision: 6, threshold: 0.6}
  - {name: leak, detector: trend, keys: [db-*], metrics: disk, warm_up: 576, options: {limit: 1e9}}
  - {name: elsewhere, detector: cusum, topic: other-*}
""",
        "rules:\n  - {name: hot, when: cpu > 90}",
    )
    assert not found.forest
    assert [(chart.name, chart.metrics, chart.keys) for chart in found.charts] == [
        ("cusum", ("cpu", "disk"), ("*",)),
        ("leak", ("disk",), ("db-*",)),
    ]
    assert found.rules is not None
    assert found.silence is not None
    assert found.silence.grace_ms == 300_000
    assert [path.name for path in found.files] == ["detectors.yaml", "rules.yaml"]


def test_an_empty_plan_is_the_forest_alone(tmp_path: Path) -> None:
    found = plan(tmp_path, "forest: true")
    assert found.forest
    assert not found.keyed


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("detectors:\n  - detector: oracle", "detectors.yaml, line 2, detectors[0].detector: must be one of ensemble"),
        ("detectors:\n  - detector: cusum\n    options: {speed: 1}",
         "detectors.yaml, line 3, detectors[0].options: cusum: has no option 'speed'"),
        ("detectors:\n  - detector: cusum\n    options: {slack: -1}",
         "detectors.yaml, line 3, detectors[0].options: sl"),
        ("detectors:\n  - detector: trend\n    warm_up: 3", "detectors.yaml, line 3, detectors[0].warm_up: trend"),
        ("detectors:\n  - detector: cusum\n    metrics: [cpus]",
         "detectors.yaml, line 3, detectors[0].metrics: 'cpus' is no"),
        ("detectors:\n  - {detector: cusum}\n  - {detector: cusum}",
         "detectors.yaml, line 3, detectors[1].detector: 'cusum' is taken"),
        ("forest: perhaps", "detectors.yaml, line 1, forest: must be true or false, got 'perhaps'"),
        ("silence: {grace: 0s}", "detectors.yaml, line 1, silence.grace: must be above 0s"),
        ("rules: nowhere.yaml", str(Path("nowhere.yaml"))),
        ("forests: true", "detectors.yaml, line 1, forests: is not known here"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_line_and_field(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(tmp_path, text)
    assert complaint in str(caught.value)


def test_a_change_of_either_file_shows(tmp_path: Path) -> None:
    found = plan(tmp_path, "rules: rules.yaml", "rules:\n  - {name: hot, when: cpu > 90}")
    before = stamps(found)
    assert stamps(found) == before
    (tmp_path / "rules.yaml").write_text("rules:\n  - {name: hot, when: cpu > 9}")
    assert stamps(found) != before
    assert read(found.files[0], "metrics", METRICS).version != found.version
