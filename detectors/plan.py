"""detectors.yaml: which detectors serve which topic, keys and metrics. docs/detectors.md explains it for people."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detectors import config_file, silence
from detectors.catalogue import CATALOGUE, Judge
from detectors.config_file import Field, matches
from detectors.errors import DetectorError
from detectors.rules import file as rules_file
from detectors.rules.file import RuleBook

FOREST = "forest"
RULES = "rules"
SCOPE = ("topic", "keys")
WARM_UP = 288  # records; a day of five minutes


@dataclass(frozen=True)
class Chart:
    """A detector of the catalogue over single metrics."""

    name: str  # what its anomalies are called; no two alike
    detector: str
    keys: tuple[str, ...]  # patterns
    metrics: tuple[str, ...]
    warm_up: int  # records
    options: tuple[tuple[str, float], ...]

    def judge(self) -> Judge:
        """A new one, for one metric. Raises DetectorError for options that cannot be."""
        return Judge.make(self.detector, self.warm_up, dict(self.options))


@dataclass(frozen=True)
class Listener:
    """The detector of silence."""

    keys: tuple[str, ...]
    grace_ms: int = silence.GRACE_MS
    lateness_ms: int = 0


@dataclass(frozen=True)
class Plan:
    """What serves one topic."""

    forest: bool = True
    charts: tuple[Chart, ...] = ()
    rules: RuleBook | None = None
    silence: Listener | None = None
    files: tuple[Path, ...] = ()  # what it was read from
    version: str = ""  # of their content

    @property
    def keyed(self) -> bool:
        """Whether anything in it remembers the records of a key."""
        return bool(self.charts or self.rules or self.silence)


def read(path: Path, topic: str, metrics: Sequence[str]) -> Plan:
    """The plan of a file for a topic whose records have these metrics. Raises ConfigError: file, line, field."""
    found = config_file.read(path).fields(("forest", "rules", "silence", "detectors"))
    rules, files = None, [path]
    if RULES in found:
        rules_path = path.parent / found[RULES].text()
        rules = rules_file.read(rules_path, metrics)
        files.append(rules_path)
    forest = found[FOREST].value if FOREST in found else True
    if not isinstance(forest, bool):
        raise found[FOREST].wrong(f"must be true or false, got {found[FOREST].shown()}")
    charts = _charts(found["detectors"], topic, metrics) if "detectors" in found else ()
    listener = _listener(found["silence"], topic) if "silence" in found else None
    return Plan(forest, charts, rules, listener, tuple(files), _version(files))


def _version(files: list[Path]) -> str:
    content = b"".join(path.read_bytes() for path in files)
    return f"detectors-{hashlib.blake2b(content, digest_size=4).hexdigest()}"


def _charts(field: Field, topic: str, metrics: Sequence[str]) -> tuple[Chart, ...]:
    charts: dict[str, Chart] = {}
    for item in field.items():
        known = ("name", "detector", *SCOPE, "metrics", "warm_up", "options")
        found = item.fields(known, ("detector",))
        chart = _chart(found, metrics)
        if chart.name in charts or chart.name in (RULES, silence.DETECTOR):
            raise found.get("name", found["detector"]).wrong(f"{chart.name!r} is taken", "give it a name of its own")
        if _serves(found, topic):
            charts[chart.name] = chart
    return tuple(charts.values())


def _chart(found: dict[str, Field], metrics: Sequence[str]) -> Chart:
    detector = found["detector"].text(list(CATALOGUE))
    chosen = found["metrics"].texts() if "metrics" in found else tuple(metrics)
    for metric in chosen:
        if metric not in metrics:
            raise found["metrics"].wrong(f"{metric!r} is no metric", f"known: {', '.join(metrics)}")
    warm_up = found["warm_up"].number(1) if "warm_up" in found else WARM_UP
    given = found["options"].mapping() if "options" in found else {}
    options = {name: value.number() for name, value in given.items()}
    name = found["name"].text() if "name" in found else detector
    chart = Chart(name, detector, _keys(found), chosen, int(warm_up), tuple(options.items()))
    try:
        chart.judge()
    except DetectorError as error:
        raise found.get("options", found.get("warm_up", found["detector"])).wrong(str(error)) from None
    return chart


def _listener(field: Field, topic: str) -> Listener | None:
    found = field.fields((*SCOPE, "grace", "lateness"))
    if not _serves(found, topic):
        return None
    grace_ms = found["grace"].duration_ms() if "grace" in found else silence.GRACE_MS
    if grace_ms == 0:
        raise found["grace"].wrong("must be above 0s")
    return Listener(_keys(found), grace_ms, found["lateness"].duration_ms() if "lateness" in found else 0)


def _keys(found: dict[str, Field]) -> tuple[str, ...]:
    return found["keys"].texts() if "keys" in found else ("*",)


def _serves(found: dict[str, Field], topic: str) -> bool:
    return "topic" not in found or matches(topic, found["topic"].texts())


def stamps(plan: Plan) -> tuple[Any, ...]:
    """What changes when one of its files does."""
    return config_file.stamps(plan.files)
