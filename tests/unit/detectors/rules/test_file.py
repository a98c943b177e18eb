from __future__ import annotations

import pytest

from detectors.config_file import ConfigError
from detectors.config_file import parse as parse_yaml
from detectors.rules.file import RuleBook, book

METRICS = ("cpu", "disk")


def rules(text: str) -> RuleBook:
    return book(parse_yaml(text, "rules.yaml"), METRICS)


def test_all_that_a_rule_can_say() -> None:
    found = rules("""
lateness: 2m
rules:
  - name: hot
    when: cpu > 90 for 10m
    until: cpu < 80 for 2m
    keys: [web-*, "db-?"]
    severity: HIGH
    repeat: 1h
    gap: 15m
    summary: the processor is busy
""")
    (rule,) = found.rules
    assert found.lateness_ms == 120_000
    assert (rule.name, rule.keys, rule.severity, rule.summary) == (
        "hot", ("web-*", "db-?"), "HIGH", "the processor is busy",
    )  # fmt: skip
    assert (rule.when.for_ms, rule.repeat_ms, rule.gap_ms) == (600_000, 3_600_000, 900_000)
    assert rule.until is not None
    assert rule.until.for_ms == 120_000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rules:\n  - name: a\n    when: cpx > 1", "rules.yaml, line 3, rules[0].when: column 1: 'cpx' is no metric"),
        ("rules:\n  - name: a\n", "rules.yaml, line 2, rules[0]: needs 'when'"),
        ("rules:\n  - {name: a, when: cpu > 1}\n  - {name: a, when: cpu > 2}",
         "rules.yaml, line 3, rules[1].name: 'a' is the name of an earlier rule"),
        ("rules:\n  - name: a\n    when: cpu > 1\n    severity: AWFUL", "rules.yaml, line 4, rules[0].severity: must"),
        ("rules:\n  - name: a\n    when: cpu > 1\n    wehn: 3", "rules.yaml, line 4, rules[0].wehn: is not"),
        ("rules:\n  - name: a\n    when: avg(cpu, 1h tumbling) > 1 and cpu > 2",
         "rules.yaml, line 3, rules[0].when: tumbling"),
        ("rules:\n  - name: a\n    when: absent for 1h\n    until: cpu > 2",
         "rules.yaml, line 4, rules[0].until: absence"),
        ("rules:\n  - name: a\n    when: cpu > 3\n    until: avg(cpu, 1h tumbling) < 2",
         "rules.yaml, line 4, rules[0].until: must look at the same windows"),
        ("rules:\n  - name: a\n    when: avg(cpu, 5ms) > 3",
         "rules.yaml, line 3, rules[0].when: a sliding window is at least"),
        ("lateness: 1d\nrules:\n  - name: a\n    when: avg(cpu, 1h tumbling) > 3",
         "rules.yaml, line 4, rules[0].when: the lateness is more than 14 of its windows"),
        ("rules: 3", "rules.yaml, line 1, rules: must be a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_line_and_field(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rules(text)
    assert str(caught.value).startswith(complaint)
