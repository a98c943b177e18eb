"""rules.yaml: what may stand in it, and the rules that it says. docs/rules.md explains it for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors import config_file
from detectors.config_file import Field
from detectors.rules.language import Clause, Condition, SyntaxFault, parse

SEVERITIES = ("LOW", "MEDIUM", "HIGH")
PANES = 20  # parts of a sliding window
MOST_OPEN = 16  # tumbling windows of a key that wait for late records, at most


@dataclass(frozen=True)
class Rule:
    """One rule."""

    name: str
    when: Clause
    until: Clause | None  # what ends it; None: as soon as `when` does not hold
    keys: tuple[str, ...]  # patterns with * and ?
    severity: str
    repeat_ms: int  # says it again after so long; 0: once
    gap_ms: int  # a longer silence breaks `for`; 0: none does
    summary: str  # for people; may be empty

    @property
    def condition(self) -> Condition:
        """What has to hold; only for rules that are not about absence."""
        assert self.when.condition is not None  # noqa: S101 - the callers have looked
        return self.when.condition

    @property
    def tumbling_ms(self) -> int:
        """Length of its tumbling windows; 0: it looks at records."""
        return self.condition.comparisons()[0].term.window_ms if _tumbles(self.condition) else 0


@dataclass(frozen=True)
class RuleBook:
    """All rules of a file."""

    rules: tuple[Rule, ...]
    lateness_ms: int = 0


def read(path: Path, metrics: Sequence[str]) -> RuleBook:
    """The rules of a file, over these metrics. Raises ConfigError: file, line, field."""
    return book(config_file.read(path), metrics)


def book(whole: Field, metrics: Sequence[str]) -> RuleBook:
    """The rules of a mapping with `rules` and, if wanted, `lateness`. Raises ConfigError."""
    found = whole.fields(("rules", "lateness"), ("rules",))
    lateness_ms = found["lateness"].duration_ms() if "lateness" in found else 0
    rules: dict[str, Rule] = {}
    for field in found["rules"].items():
        rule = _rule(field, metrics)
        if rule.name in rules:
            raise field.value["name"].wrong(f"{rule.name!r} is the name of an earlier rule")
        if rule.when.condition is not None and 0 < rule.tumbling_ms * (MOST_OPEN - 2) < lateness_ms:
            raise field.value["when"].wrong(f"the lateness is more than {MOST_OPEN - 2} of its windows")
        rules[rule.name] = rule
    return RuleBook(tuple(rules.values()), lateness_ms)


def _rule(field: Field, metrics: Sequence[str]) -> Rule:
    known = ("name", "when", "until", "keys", "severity", "repeat", "gap", "summary")
    found = field.fields(known, ("name", "when"))
    when = _clause(found["when"], metrics)
    until = _clause(found["until"], metrics) if "until" in found else None
    if until is not None:
        _check_until(found["until"], when, until)
    return Rule(
        found["name"].text(),
        when,
        until,
        found["keys"].texts() if "keys" in found else ("*",),
        found["severity"].text(SEVERITIES) if "severity" in found else "MEDIUM",
        found["repeat"].duration_ms() if "repeat" in found else 0,
        found["gap"].duration_ms() if "gap" in found else 0,
        found["summary"].text() if "summary" in found else "",
    )


def _clause(field: Field, metrics: Sequence[str]) -> Clause:
    try:
        clause = parse(field.text(), metrics)
    except SyntaxFault as fault:
        raise field.wrong(str(fault)) from None
    if clause.condition is None:
        return clause
    terms = [one.term for one in clause.condition.comparisons()]
    if len({term.window_ms if term.tumbling else 0 for term in terms}) > 1:
        raise field.wrong("tumbling windows of one length cannot be mixed with anything else", "make two rules of it")
    for term in terms:
        if term.aggregate and not term.tumbling and term.window_ms < PANES:
            raise field.wrong(f"a sliding window is at least {PANES}ms")
    return clause


def _check_until(field: Field, when: Clause, until: Clause) -> None:
    if when.condition is None or until.condition is None:
        raise field.wrong("absence ends with the next record by itself")
    if _tumbles(when.condition) != _tumbles(until.condition) or (
        _tumbles(when.condition) and _length(when.condition) != _length(until.condition)
    ):
        raise field.wrong("must look at the same windows as `when`")


def _tumbles(condition: Condition) -> bool:
    return condition.comparisons()[0].term.tumbling


def _length(condition: Condition) -> int:
    return condition.comparisons()[0].term.window_ms
