"""`python -m commands.reference` writes docs/reference.md, every setting from its class, and docs/log-events.md."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from commands import log_events, metrics_page
from commands.lab_settings import CHECKOUT, LabSettings
from consumer_alerts.settings import AlertsSettings
from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.settings import HistorySettings
from consumer_prediction.settings import PredictionSettings
from consumer_traffic.settings import TrafficSettings
from consumer_training.settings import TrainingSettings
from dashboard.settings import DashboardSettings
from kafka_cluster.errors import one_clear_line
from kafka_cluster.member import MemberSettings
from kafka_cluster.prepare import PrepareSettings
from kafka_cluster.settings import KafkaSettings, Settings
from producer import data_settings
from producer.connection_settings import ConnectionSettings
from producer.data_settings import DataSettings
from producer.event_settings import EventSettings
from producer.settings import ReplaySettings
from producer.sources.settings import SourceSettings

PAGE = CHECKOUT / "docs" / "reference.md"
HOW = "`./lab` finds the embedded cluster by itself; elsewhere the addresses come from here too."
# Each section tells what its programs read and the sections above it do not have.
SECTIONS: tuple[tuple[str, str, type[Settings]], ...] = (
    ("Everything", "Every program and every command.", Settings),
    ("Servers and topics", f"Every program that talks to Kafka. {HOW}", KafkaSettings),
    ("Topics and schemas", "`./lab topics`, `python -m kafka_cluster`.", PrepareSettings),
    ("Data", "`./lab data`, `./lab demo`, `./lab produce`, `python -m producer.prepare`.", DataSettings),
    ("Data, laid ready", "`python -m producer.prepare`.", data_settings.PrepareSettings),
    ("Producer", "`./lab produce`, `python -m producer`.", ReplaySettings),
    ("Live sources", "`./lab produce --source …`, `python -m producer`.", SourceSettings),
    ("Events", "`./lab events`, `python -m producer.events`.", EventSettings),
    ("Training", "`./lab train`, `python -m consumer_training`.", TrainingSettings),
    ("Members of a group", "Every consumer that commits its results with its offsets.", MemberSettings),
    ("Prediction", "`./lab predict`, `python -m consumer_prediction`.", PredictionSettings),
    ("Alerts", "`./lab alerts`, `python -m consumer_alerts`.", AlertsSettings),
    ("Page", "`./lab dashboard`, `python -m dashboard`.", DashboardSettings),
    (
        "History",
        "Whatever keeps or reads the history in Cassandra, `python -m consumer_history.migrate`.",
        CassandraSettings,
    ),
    ("Checks against the history", "`./lab history`, `python -m consumer_history`.", HistorySettings),
    ("Connections", "`./lab connections`, `python -m producer.connections`.", ConnectionSettings),
    ("Traffic", "`./lab traffic`, `python -m consumer_traffic`.", TrafficSettings),
    ("This machine", "Every `./lab` command.", LabSettings),
)
INTRODUCTION = """# Settings

Every setting is an environment variable; an empty one counts as not set, and a command line flag wins over it. A
program that is given something it cannot use ends at once, and names the variable, the reason and what was given. This
page is written by `python -m commands.reference` from the settings classes.
"""
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "min_length": "length ≥", "max_length": "length ≤"}
_NAMES = {"str": "text", "Path": "path", "SecretStr": "secret", "bool": "true or false", "datetime": "instant"}


class Row(NamedTuple):
    """One line of a table."""

    variable: str
    kind: str
    default: str
    bounds: str
    meaning: str


def page() -> str:
    """The whole page."""
    told: set[str] = set()
    parts = [INTRODUCTION]
    for title, who, settings in SECTIONS:
        rows = [row for row in rows_of(settings) if row.variable not in told or _is_own(settings, row.variable)]
        told |= {row.variable for row in rows}
        parts.append(f"## {title}\n\n{who}\n\n{_table(rows)}")
    return "\n".join(parts)


def rows_of(settings: type[Settings]) -> list[Row]:
    """A line for each field, inherited ones first."""
    meanings = {name: text for kind in reversed(settings.__mro__) for name, text in _comments(kind).items()}
    return [
        Row(name.upper(), _kind(field.annotation), _default(field), _bounds(field), meanings.get(name, ""))
        for name, field in settings.model_fields.items()
    ]


def _is_own(settings: type[Settings], variable: str) -> bool:
    return variable.lower() in inspect.get_annotations(settings)


def _table(rows: Iterable[Row]) -> str:
    lines = ["| variable | type | default | bounds | meaning |", "|---|---|---|---|---|"]
    for row in rows:
        cells = (f"`{row.variable}`", row.kind, row.default, row.bounds, row.meaning.replace("<", "&lt;"))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _comments(kind: type) -> dict[str, str]:
    """By field the comment above it or after it in the source of its class; above, only without a line between."""
    if not (issubclass(kind, Settings) and kind.__module__ != "pydantic_settings"):
        return {}
    source = textwrap.dedent(inspect.getsource(kind))
    lines = source.splitlines()
    return {
        node.target.id: " ".join((*_above(lines, node.lineno - 1), *_after(lines, node)))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def _above(lines: list[str], at: int) -> list[str]:
    found: list[str] = []
    while lines[at - 1].strip().startswith("#"):
        at -= 1
        found.insert(0, lines[at].strip().removeprefix("#").strip())
    return found


def _after(lines: list[str], node: ast.AnnAssign) -> Iterator[str]:
    end = (node.end_lineno or node.lineno) - 1
    rest = lines[end].encode()[node.end_col_offset or 0 :].decode().strip()
    if rest.startswith("#"):
        yield rest.removeprefix("#").strip()


def _kind(annotation: Any) -> str:
    """A type in words."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(parts[0])
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in parts if part is not type(None))
    if origin is tuple:
        return f"list of {_kind(parts[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    return _NAMES.get(annotation.__name__, str(annotation.__name__))


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return _FACTORIES.get(getattr(field.default_factory, "__name__", ""), "the user's cache folder")
    if field.default is PydanticUndefined:
        return "required"
    return "" if field.default in (None, "") else f"`{_value(field.default)}`"


_FACTORIES = {"gethostname": "the host's name"}


def _value(default: Any) -> str:
    """A default as one would set it; a path from the checkout, wherever that is."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return (":" if default and isinstance(default[0], Path) else ",").join(_value(part) for part in default)
    if isinstance(default, Path):
        return _path(default)
    return str(default.value if isinstance(default, Enum) else default)


def _path(path: Path) -> str:
    if path.is_relative_to(CHECKOUT):
        return str(path.relative_to(CHECKOUT))
    if path.is_relative_to(CHECKOUT.parent):
        return f"../{path.relative_to(CHECKOUT.parent)}"
    return str(path)


def _bounds(field: FieldInfo) -> str:
    """What a value must keep to, whatever annotation says it."""
    found = [item for item in _metadata(field.annotation, field.metadata) if not isinstance(item, type)]
    told = [f"{sign} {getattr(item, name)}" for item in found for name, sign in _BOUNDS.items() if _has(item, name)]
    patterns = [f"`{item.pattern}`" for item in found if _has(item, "pattern")]
    return ", ".join((*told, *patterns))


def _metadata(annotation: Any, own: list[Any]) -> Iterator[Any]:
    for item in own:
        yield from item.metadata if isinstance(item, FieldInfo) else [item]
    if get_origin(annotation) is Annotated:
        yield from _metadata(get_args(annotation)[0], list(get_args(annotation)[1:]))
    elif get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _metadata(part, [])


def _has(item: Any, name: str) -> bool:
    return getattr(item, name, None) is not None


def main() -> int:
    """Write the page."""
    for path, text in (
        (PAGE, page()),
        (log_events.PAGE, log_events.page()),
        (metrics_page.PAGE, metrics_page.page()),
    ):
        path.write_text(text)
        print(f"wrote {path.relative_to(CHECKOUT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main)())
