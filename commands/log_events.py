"""docs/log-events.md: every log event with its fields, from the calls in the code. `commands.reference` writes it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from commands.lab_settings import CHECKOUT

PAGE = CHECKOUT / "docs" / "log-events.md"
LEVELS = ("debug", "info", "warning", "error", "critical")
SPOKEN_BY = (
    "kafka_cluster", "detectors", "producer", "consumer_training", "consumer_prediction", "consumer_history",
    "consumer_alerts", "consumer_traffic", "dashboard",
)  # fmt: skip
BY_STANDSTILL = ("paused", "error")  # fields that kafka_cluster.standstill adds to the sentence that it is given
INTRODUCTION = """# Log events

Every event that a program of the lab logs, with its fields; `python -m commands.reference` writes this page from the
code. Each event also has `event`, `level` and `timestamp` (UTC). An ellipsis stands for fields that depend on the case.
[`how-to/logs.md`](how-to/logs.md) tells how to read the log and set it up.

| event | level | fields | said in |
|---|---|---|---|
"""


class Said(NamedTuple):
    """One call of the logger."""

    event: str
    level: str
    fields: tuple[str, ...]
    file: str


def page() -> str:
    """The whole page."""
    found = {said for folder in SPOKEN_BY for said in said_in(CHECKOUT / folder)}
    rows = sorted(found, key=lambda said: (said.event.casefold(), said))
    lines = [
        f"| {said.event} | {said.level} | {' '.join(f'`{name}`' for name in said.fields)} | `{said.file}` |"
        for said in rows
    ]
    return INTRODUCTION + "\n".join(lines).replace("`…`", "…") + "\n"


def said_in(folder: Path) -> Iterator[Said]:
    """Every call of the logger in a folder whose sentence stands in the code."""
    for file in folder.rglob("*.py"):
        tree = ast.parse(file.read_text())
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                for event, level in _events(call, function):
                    fields = tuple(_fields(call.keywords, function, tree)) + _added(call)
                    yield Said(event, level, fields, str(file.relative_to(folder.parent)))


def _waits(call: ast.Call) -> bool:
    """Whether it is `wait("waiting for …", error)` of a standstill, which logs that sentence."""
    sentence = call.args[0] if call.args and isinstance(call.func, ast.Attribute) and call.func.attr == "wait" else None
    return isinstance(sentence, ast.Constant) and isinstance(sentence.value, str)


def _added(call: ast.Call) -> tuple[str, ...]:
    return BY_STANDSTILL if _waits(call) else ()


def _events(call: ast.Call, function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Event and level, of a call of the logger; two where the sentence is one or another."""
    if _waits(call):
        yield from ((said, "warning") for said in _sentences(call.args[0], function))
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in (*LEVELS, "log"):
        return
    speaker, level = ast.unparse(call.func.value), call.func.attr
    if speaker != "log" and not speaker.endswith("get_logger()"):
        return
    for sentence in call.args[1 if level == "log" else 0 :][:1]:
        for said in _sentences(sentence, function):
            yield said, "as given" if level == "log" else level


def _sentences(value: ast.expr, function: ast.FunctionDef) -> Iterator[str]:
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.IfExp):
        yield from _sentences(value.body, function)
        yield from _sentences(value.orelse, function)
    elif isinstance(value, ast.Name):
        given = [one for node in ast.walk(function) for name, one in _assigned(node) if name == value.id]
        yield from (said for one in given for said in _sentences(one, function))


def _fields(keywords: Iterable[ast.keyword], *scopes: ast.AST) -> Iterator[str]:
    for keyword in keywords:
        if keyword.arg is not None:
            yield "exception" if keyword.arg == "exc_info" else keyword.arg
        else:
            yield from _spread(keyword.value, *scopes)


def _spread(value: ast.expr, *scopes: ast.AST) -> Iterator[str]:
    """The names behind `**value`, where it is a dictionary written nearby; else an ellipsis."""
    if isinstance(value, ast.Call):
        bodies = [node for scope in scopes for node in ast.walk(scope) if isinstance(node, ast.FunctionDef)]
        named = [body for body in bodies if body.name == ast.unparse(value.func)]
        returned = [node.value for body in named for node in ast.walk(body) if isinstance(node, ast.Return)]
        value = next((one for one in returned if isinstance(one, ast.Dict)), value)
    elif isinstance(value, ast.Name):
        pairs = [pair for node in ast.walk(scopes[0]) for pair in _assigned(node)]
        value = next((given for name, given in pairs if name == value.id and isinstance(given, ast.Dict)), value)
    if isinstance(value, ast.Dict) and all(isinstance(key, ast.Constant) for key in value.keys):
        yield from (str(key.value) for key in value.keys if isinstance(key, ast.Constant))
    else:
        yield "…"


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        yield ast.unparse(node.target), node.value
    elif isinstance(node, ast.Assign):
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            yield from ((ast.unparse(name), part) for name, part in zip(target.elts, value.elts, strict=True))
        else:
            yield ast.unparse(target), value
