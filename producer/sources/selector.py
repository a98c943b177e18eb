"""Matchers for the series of a page: `name{label="value",other=~"re"}`, as in PromQL.

`=`, `!=`, `=~` and `!~`; a label that a series does not have counts as empty; a pattern has to match the whole value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_NAME = re.compile(r"\s*([A-Za-z_:][A-Za-z0-9_:]*)?\s*")
_MATCHER = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
NAME_LABEL = "__name__"


@dataclass(frozen=True)
class Matcher:
    """One condition on one label."""

    label: str
    holds: Callable[[str], bool]


@dataclass(frozen=True)
class Selector:
    """Conditions that a series has to meet, all of them."""

    name: str | None
    matchers: tuple[Matcher, ...]

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether a series of that name with these labels is chosen."""
        if self.name is not None and name != self.name:
            return False
        return all(one.holds(name if one.label == NAME_LABEL else labels.get(one.label, "")) for one in self.matchers)


def parse(text: str) -> Selector:
    """Raises ValueError, which says what is wrong and where."""
    start = _NAME.match(text)
    assert start is not None  # noqa: S101 - for the type checker: every part of the pattern may be empty
    name, at = start.group(1), start.end()
    matchers: list[Matcher] = []
    if at < len(text) and text[at] == "{":
        matchers, at = _matchers(text, at + 1)
    if text[at:].strip():
        raise ValueError(f'is no matcher such as name{{label="value"}}: {text[at:]!r} is not understood')
    if name is None and not matchers:
        raise ValueError("names neither a series nor a label")
    return Selector(name, tuple(matchers))


def _matchers(text: str, at: int) -> tuple[list[Matcher], int]:
    """Up to the closing brace, and the place behind it. A comma may stand before the brace."""
    found: list[Matcher] = []
    while True:
        if text[at:].lstrip().startswith("}"):
            return found, text.index("}", at) + 1
        one = _MATCHER.match(text, at)
        if one is None:
            raise ValueError(f'is no matcher such as name{{label="value"}}: {text[at:]!r} is not understood')
        found.append(Matcher(one.group(1), _condition(one.group(2), _unescaped(one.group(3)))))
        at = one.end()
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != "}":
            raise ValueError(f"lacks a comma or a brace before {text[at:]!r}")


def _condition(operator: str, value: str) -> Callable[[str], bool]:
    if operator in ("=", "!="):
        return (lambda given: given == value) if operator == "=" else (lambda given: given != value)
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise ValueError(f"has a pattern that is none: {value!r} ({error})") from None
    if operator == "=~":
        return lambda given: pattern.fullmatch(given) is not None
    return lambda given: pattern.fullmatch(given) is None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found.group(1), found.group(0)), text)
