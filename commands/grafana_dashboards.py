"""`python -m commands.grafana_dashboards` writes Grafana's dashboards from deploy/monitoring/grafana/panels.yml."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from commands.lab_settings import CHECKOUT
from kafka_cluster.errors import one_clear_line

GRAFANA = CHECKOUT / "deploy" / "monitoring" / "grafana"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
COLUMNS = 24  # of Grafana's grid
TAG = "kafka-anomaly-lab"


class Panel(NamedTuple):
    """A picture of some queries, by what each line of it is called."""

    title: str
    unit: str
    queries: dict[str, str]
    tells: str
    kind: str
    width: int
    height: int


def panels(given: list[dict[str, Any]]) -> Iterator[Panel]:
    """The panels of a dashboard, as the file has them."""
    for one in given:
        if "stat" in one:
            yield Panel(one["stat"], one["unit"], {"": one["query"]}, one.get("tells", ""), "stat", 4, 4)
        else:
            yield Panel(one["lines"], one["unit"], one["queries"], one.get("tells", ""), "timeseries", 8, 8)


def dashboards() -> dict[str, str]:
    """By file name, the content."""
    declared = yaml.safe_load((GRAFANA / "panels.yml").read_text())
    return {f"{name}.json": _text(name, one["title"], one["panels"]) for name, one in declared.items()}


def _text(name: str, title: str, given: list[dict[str, Any]]) -> str:
    links = {"type": "dashboards", "tags": [TAG], "title": "Dashboards", "asDropdown": False}
    dashboard = {
        "uid": f"lab-{name}",
        "title": f"Anomaly lab: {title}",
        "tags": [TAG],
        "schemaVersion": 38,
        "editable": False,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "links": [links],
        "panels": list(_placed(panels(given))),
    }
    return json.dumps(dashboard, indent=2) + "\n"


def _placed(given: Iterator[Panel]) -> Iterator[dict[str, Any]]:
    """In rows from left to right; a row is as high as its panels."""
    x = y = 0
    for number, panel in enumerate(given, 1):
        yield _panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": panel.height})
        x += panel.width
        if x + panel.width > COLUMNS:
            x, y = 0, y + panel.height


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": query, "legendFormat": legend}
        for at, (legend, query) in enumerate(panel.queries.items())
    ]
    lines = {"legend": {"displayMode": "list", "placement": "bottom"}}
    return {
        "id": number,
        "title": panel.title,
        "description": panel.tells,
        "type": panel.kind,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": lines if panel.kind == "timeseries" else {},
        "targets": targets,
    }


def main() -> int:
    """Write all of them."""
    for name, content in dashboards().items():
        path = GRAFANA / "dashboards" / name
        path.write_text(content)
        print(f"wrote {path.relative_to(CHECKOUT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main)())
