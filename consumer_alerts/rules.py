"""What alerts.yaml says, as the core uses it: what makes an incident, who is told, how many at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.maintenance import Window
from detectors.config_file import matches
from kafka_cluster.records import Severity

RANK = {severity: rank for rank, severity in enumerate(Severity)}
MINUTE_MS = 60_000
LOG = "log"


@dataclass(frozen=True)
class Rule:
    """How the anomalies of some keys, by some detectors, are handled. Durations in ms."""

    name: str = "default"
    keys: tuple[str, ...] = ("*",)  # patterns with * and ?
    detectors: tuple[str, ...] = ("*",)
    mute: bool = False
    min_severity: Severity = Severity.LOW  # below it an incident is told to nobody
    min_count: int = 1  # anomalies before it is told
    gap_ms: int = 15 * MINUTE_MS  # event time: anomalies no further apart are one incident
    reopen_ms: int = 30 * MINUTE_MS  # event time after its end in which the same incident comes back
    resolve_after_ms: int = 15 * MINUTE_MS  # by the clock: without an anomaly for so long it ends
    channels: tuple[str, ...] = (LOG,)

    @property
    def reach_ms(self) -> int:
        """Event time around an incident in which an anomaly belongs to it."""
        return self.gap_ms + self.reopen_ms


@dataclass(frozen=True)
class StormLimit:
    """How many new incidents are told; the rest is one notice."""

    limit: int = 20  # 0: as many as there are
    every_ms: int = MINUTE_MS
    quiet_ms: int = 5 * MINUTE_MS  # nothing held back for so long ends the storm


@dataclass(frozen=True)
class Rules:
    """All of alerts.yaml."""

    default: Rule = Rule()
    rules: tuple[Rule, ...] = ()
    windows: tuple[Window, ...] = ()
    storm: StormLimit = StormLimit()
    ignore_older_ms: int = 0  # event time this long ago is history, told to nobody; 0: nothing is
    keep_ms: int = 24 * 60 * MINUTE_MS  # a resolved incident is remembered for so long
    channels: dict[str, ChannelConfig] = field(default_factory=lambda: {LOG: ChannelConfig(LOG, LOG)})
    page: str = ""  # address of the live page, for links
    files: tuple[Path, ...] = ()  # what it was read from

    def handling(self, key: str | None, detectors: Sequence[str]) -> Rule:
        """The first rule for that key and one of these detectors."""
        for rule in self.rules:
            if matches(key or "", rule.keys) and any(matches(name, rule.detectors) for name in detectors):
                return rule
        return self.default

    def in_maintenance(self, key: str | None, at: int) -> bool:
        """Whether a window is for that key at that event time (ms)."""
        return any(window.holds(key or "", at) for window in self.windows)

    def route(self, key: str | None, detectors: Sequence[str], severity: Severity) -> tuple[str, ...]:
        """The channels that are told of an incident as severe as that."""
        wanted = self.handling(key, detectors).channels
        return tuple(
            name
            for name in wanted
            if name in self.channels and RANK[severity] >= RANK[self.channels[name].min_severity]
        )
