"""Prometheus' Alertmanager, by its API v2. The labels of an incident never change, so that it is one alert there.

An alert has an end in the future, and is said again long before: if this program is away for longer than `hold`,
Alertmanager takes it for over.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from consumer_alerts import words
from consumer_alerts.channels import http
from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.telling import Message
from kafka_cluster.clock import Clock
from kafka_cluster.incident import Kind

MS_PER_S = 1_000
NAMES = {Kind.INCIDENT: "Anomaly", Kind.STORM: "AnomalyStorm"}


class Alertmanager:
    """A channel."""

    def __init__(self, config: ChannelConfig, secrets: dict[str, SecretStr], clock: Clock) -> None:
        self._config, self._clock = config, clock
        headers, auth = {}, None
        if "bearer" in secrets:
            headers["authorization"] = f"Bearer {secrets['bearer'].get_secret_value()}"
        if "password" in secrets:
            auth = (config.options.get("user", ""), secrets["password"].get_secret_value())
        self._http = http.client(headers=headers, auth=auth)
        self._url = f"{config.options['url'].rstrip('/')}/api/v2/alerts"

    def send(self, message: Message) -> str | None:
        """The severity that the alert has as its label: that of the first message. Raises ChannelError."""
        severity = message.told.reference or str(message.incident.severity)
        http.post(self._http, self._url, json=[self._alert(message, severity)])
        return severity

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _alert(self, message: Message, severity: str) -> dict[str, Any]:
        incident = message.incident
        now = self._clock.now()
        # Alertmanager takes the time of a start that is missing from its clock; event time may be years ago.
        begin_s = (incident.opened_at or incident.seen_at) / MS_PER_S
        end_s = now if message.ended else now + self._config.options["hold"] / MS_PER_S
        labels = {
            "alertname": NAMES[incident.kind],
            "incident": incident.id,
            "key": incident.key or "",
            "severity": severity.lower(),
        }
        facts = {name.replace(" ", "_"): value for name, value in words.facts(message).items()}
        return {
            "labels": {**self._config.options.get("labels", {}), **labels},
            "annotations": {"summary": words.subject(incident), "description": incident.reason, **facts},
            "startsAt": _instant(min(begin_s, end_s)),
            "endsAt": _instant(end_s),
            "generatorURL": words.link(message),
        }


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
