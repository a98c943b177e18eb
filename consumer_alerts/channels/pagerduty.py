"""PagerDuty, by its Events API v2 and its own client. The incident's id is the dedup key: a repeat is no new alert."""

from __future__ import annotations

import ssl
from typing import Any

import httpx2
import truststore
from pagerduty import Error, EventsApiV2Client, HttpError
from pydantic import SecretStr

from consumer_alerts import words
from consumer_alerts.channels import http
from consumer_alerts.channels.channel import TIMEOUT_S, ChannelError
from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.telling import Message, News
from kafka_cluster.records import Severity

SEVERITIES = {Severity.LOW: "warning", Severity.MEDIUM: "error", Severity.HIGH: "critical"}
SOURCE, CLASS = "kafka-anomaly-lab", "anomaly"
LONGEST_SUMMARY = 1_024  # PagerDuty's limit


class OneAttempt(EventsApiV2Client):
    """Its client without retries of its own: whoever sends here knows when to try again, and what else waits."""

    max_network_attempts = 0
    timeout = int(TIMEOUT_S)  # type: ignore[assignment] # its own type is wider than that of its base

    def postprocess(self, response: httpx2.Response) -> None:
        """Raise ChannelError for any answer that is no success, before the client thinks about it."""
        http.check(response.status_code, response.text, response.headers.get("retry-after"))


class PagerDuty:
    """A channel."""

    def __init__(self, config: ChannelConfig, secrets: dict[str, SecretStr]) -> None:
        key = secrets["routing_key"].get_secret_value()
        trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = OneAttempt(key, base_url=config.options.get("url"), verify=trust)

    def send(self, message: Message) -> str | None:
        """Trigger or resolve. Raises ChannelError."""
        identity = message.incident.id
        try:
            if not message.ended or message.news is News.OVER:  # to resolve what it never heard of says nothing
                self._trigger(message)
            if message.ended:
                self._client.resolve(identity)
        except HttpError as error:
            if error.response is not None:
                http.check(error.response.status_code, str(error))
            raise ChannelError(str(error)) from None
        except Error as error:
            raise http.transport_error(error.__cause__ if isinstance(error.__cause__, Exception) else error) from None
        return identity

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _trigger(self, message: Message) -> None:
        incident = message.incident
        links: list[dict[str, Any]] = []
        if address := words.link(message):
            links = [{"href": address, "text": "The anomaly on the live page"}]
        self._client.trigger(
            f"{words.subject(incident)}: {incident.reason}"[:LONGEST_SUMMARY],
            incident.key or SOURCE,
            dedup_key=incident.id,
            severity=SEVERITIES[incident.severity],
            payload={"timestamp": words.instant(incident.first), "component": incident.key or "", "class": CLASS},
            custom_details=words.facts(message),
            links=links or None,
        )
