"""One channel of alerts.yaml: its type, where it is, and the names of the variables that hold its secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kafka_cluster.records import Severity

MINUTE_MS = 60_000


@dataclass(frozen=True)
class Habits:
    """What a type of channel can do, and what it is told unless alerts.yaml says otherwise. Durations in ms."""

    updates_ms: int  # between two updates on one incident; 0: none
    resend_ms: int = 0  # what is open is said again after so long; 0: never
    same_again: bool = False  # a message that comes twice is known to be the same


HABITS = {
    "log": Habits(5 * MINUTE_MS),
    # Alertmanager forgets what it does not hear again.
    "alertmanager": Habits(MINUTE_MS, resend_ms=MINUTE_MS, same_again=True),
    "pagerduty": Habits(10 * MINUTE_MS, same_again=True),
    "slack": Habits(10 * MINUTE_MS),
    "apprise": Habits(0),
    "webhook": Habits(MINUTE_MS, same_again=True),
}


@dataclass(frozen=True)
class ChannelConfig:
    """One channel. `secrets` names environment variables, never what is in them."""

    name: str
    type: str  # key of HABITS
    min_severity: Severity = Severity.LOW
    updates_ms: int = 0
    resend_ms: int = 0
    options: dict[str, Any] = field(default_factory=dict)  # of the type
    secrets: dict[str, str] = field(default_factory=dict)  # by what it is for, the variable

    @property
    def same_again(self) -> bool:
        """Whether the other side knows a message that comes twice for the same."""
        return HABITS[self.type].same_again
