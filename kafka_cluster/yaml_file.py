"""A YAML file that people write, checked by a pydantic model, so that every complaint names file, line and field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kafka_cluster.errors import LabError

M = TypeVar("M", bound=BaseModel)
Location = Sequence[str | int]


@dataclass(frozen=True)
class YamlFile(Generic[M]):
    """What a file says, and where it says it."""

    value: M
    file: str
    _node: Any

    def wrong(self, at: Location, reason: str, way_out: str = "") -> LabError:
        """The error to raise about the field at that place, such as ("metrics", "cpu", "select")."""
        return _wrong(self.file, self._node, at, reason, way_out)


def read(path: Path, model: type[M]) -> YamlFile[M]:
    """Raises LabError when the file is not there, is no YAML, or does not fit the model."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(str(path), f"cannot be read ({error})") from None
    return parse(text, path.name, model)


def parse(text: str, file: str, model: type[M]) -> YamlFile[M]:
    """The same for a text."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise LabError(file, "is empty")
        _refuse_twice(file, node, [])
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise LabError(f"{file}{line}", f"is no YAML ({error.problem or error.context})") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise LabError(file, f"is no YAML ({error})") from None
    try:
        return YamlFile(model.model_validate(data), file, node)
    except ValidationError as error:
        first = error.errors()[0]
        raise _wrong(file, node, first["loc"], _reason(first), "") from None


def _reason(detail: Any) -> str:
    match detail["type"]:
        case "missing":
            return "is needed"
        case "extra_forbidden":
            return "is not known here"
        case "model_type" | "dict_type":
            return "must be a mapping of names to values"
    reason = str(detail["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{reason}, got {detail['input']!r}" if isinstance(detail["input"], str | int | float) else reason


def _wrong(file: str, node: Any, at: Location, reason: str, way_out: str) -> LabError:
    line, name = node.start_mark.line + 1, ""
    for part in at:
        if isinstance(part, str) and part.startswith(("literal[", "function-", "float", "[key]")):
            break  # pydantic's own names for the branches of a union
        name += f"[{part}]" if isinstance(part, int) else (f".{part}" if name else str(part))
        found = _child(node, part)
        if found is not None:
            line, node = found
    return LabError(f"{file}, line {line}" + (f", {name}" if name else ""), reason, way_out)


def _child(node: Any, part: str | int) -> tuple[int, Any] | None:
    """The line on which a part of a node begins, and its own node; None where it has no such part."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if str(key.value) == str(part):
                return key.start_mark.line + 1, value
    return None


def _refuse_twice(file: str, node: Any, at: list[str | int]) -> None:
    """YAML takes the last of two equal keys without a word."""
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _refuse_twice(file, item, [*at, number])
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name in seen:
            where = ".".join(str(part) for part in (*at, name))
            raise LabError(f"{file}, line {key.start_mark.line + 1}, {where}", "is there twice")
        seen.add(name)
        _refuse_twice(file, value, [*at, name])
