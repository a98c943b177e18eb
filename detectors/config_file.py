"""Configuration by people: YAML whose every value knows its file, line and field, so that errors point at it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from detectors.errors import DetectorError

UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")


class ConfigError(DetectorError):
    """A line of a configuration file that cannot be used: file, line, field, reason, way out."""


@dataclass(frozen=True)
class Field:
    """One value of a file: a mapping, a list, or a scalar as YAML reads it."""

    file: str
    line: int  # from 1
    name: str  # such as rules[2].when; empty for the whole file
    value: Any  # Field by key, list of Field, or a scalar

    def wrong(self, reason: str, way_out: str = "") -> ConfigError:
        """The error to raise about this value."""
        place = f"{self.file}, line {self.line}" + (f", {self.name}" if self.name else "")
        return ConfigError(place, reason, way_out)

    def fields(self, known: Collection[str], needed: Collection[str] = ()) -> dict[str, Field]:
        """The values of a mapping by key. Raises ConfigError for an unknown key, or one that is missing."""
        if not isinstance(self.value, dict):
            raise self.wrong("must be a mapping of names to values", f"it has {', '.join(known)}")
        for key, field in self.value.items():
            if key not in known:
                raise field.wrong("is not known here", f"known: {', '.join(known)}")
        for key in needed:
            if key not in self.value:
                raise self.wrong(f"needs {key!r}")
        return dict(self.value)

    def mapping(self) -> dict[str, Field]:
        """The values of a mapping whose keys are the user's own. Raises ConfigError."""
        if not isinstance(self.value, dict):
            raise self.wrong("must be a mapping of names to values")
        return dict(self.value)

    def items(self) -> list[Field]:
        """The values of a list. Raises ConfigError."""
        if not isinstance(self.value, list):
            raise self.wrong("must be a list")
        return list(self.value)

    def text(self, choice: Collection[str] = ()) -> str:
        """Not empty, and one of `choice` if there is one. Raises ConfigError."""
        if not isinstance(self.value, str) or not self.value:
            raise self.wrong(f"must be text, got {self.shown()}")
        if choice and self.value not in choice:
            raise self.wrong(f"must be one of {', '.join(choice)}, got {self.value!r}")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """One text, or a list of them. Raises ConfigError."""
        return tuple(item.text() for item in self.items()) if isinstance(self.value, list) else (self.text(),)

    def number(self, least: float | None = None) -> float:
        """Finite, and `least` or more. Raises ConfigError."""
        value = self.value
        if isinstance(value, str):  # YAML 1.1 reads 1e6 as text
            value = _number(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise self.wrong(f"must be a number, got {self.shown()}")
        if least is not None and value < least:
            raise self.wrong(f"must be at least {least:g}, got {value:g}")
        return float(value)

    def duration_ms(self) -> int:
        """Such as 90s, 10m, 2h; 0s is none. Raises ConfigError."""
        found = DURATION.fullmatch(str(self.value))
        if found is None:
            raise self.wrong(f"must be a duration such as 90s, 10m or 2h, got {self.shown()}")
        return int(found[1]) * UNITS_MS[found[2]]

    def shown(self) -> str:
        """The value for a message."""
        if isinstance(self.value, dict | list):
            return "a mapping" if isinstance(self.value, dict) else "a list"
        return repr(self.value)


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def shown_ms(duration_ms: int) -> str:
    """The shortest way to write a duration: 90s, 10m, 2h."""
    for unit in ("d", "h", "m", "s"):
        if duration_ms and duration_ms % UNITS_MS[unit] == 0:
            return f"{duration_ms // UNITS_MS[unit]}{unit}"
    return f"{duration_ms}ms"


def read(path: Path) -> Field:
    """The whole file. Raises ConfigError when it is not there or is no YAML."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read ({error})") from None
    return parse(text, path.name)


def matches(text: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns, with * and ?, is for it."""
    return any(pattern == "*" or fnmatchcase(text, pattern) for pattern in patterns)


def stamps(files: Iterable[Path]) -> tuple[Any, ...]:
    """What changes when one of the files does."""
    return tuple(_stamp(path) for path in files)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        its = path.stat()
    except OSError:
        return None
    return its.st_mtime_ns, its.st_size, its.st_ino


def parse(text: str, file: str) -> Field:
    """The value of a YAML text. Raises ConfigError."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise ConfigError(file, "is empty")
        return _field(node, file, "", yaml.SafeLoader(""))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{file}{line}", f"is no YAML ({error.problem or error.context})") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(file, f"is no YAML ({error})") from None


def _field(node: Any, file: str, name: str, loader: Any) -> Field:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        items = [_field(item, file, f"{name}[{at}]", loader) for at, item in enumerate(node.value)]
        return Field(file, line, name, items)
    if isinstance(node, yaml.MappingNode):
        return Field(file, line, name, _mapping(node, file, name, loader))
    return Field(file, line, name, loader.construct_object(node))


def _mapping(node: Any, file: str, name: str, loader: Any) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        field = _field(value_node, file, f"{name}.{key}" if name else key, loader)
        at_key = Field(file, key_node.start_mark.line + 1, field.name, field.value)
        if key in found:
            raise at_key.wrong("is there twice")
        found[key] = at_key
    return found
