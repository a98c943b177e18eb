"""The log; a hundred services, e-mail among them, through apprise; and any address that takes JSON, signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from apprise import Apprise, NotifyType
from pydantic import SecretStr

from consumer_alerts import words
from consumer_alerts.channels import http
from consumer_alerts.channels.channel import ChannelError
from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.telling import Message
from detectors.config_file import ConfigError
from kafka_cluster.clock import Clock
from kafka_cluster.log import get_logger
from kafka_cluster.records import Severity

KINDS = {Severity.LOW: NotifyType.INFO, Severity.MEDIUM: NotifyType.WARNING, Severity.HIGH: NotifyType.FAILURE}
SIGNATURE, TIMESTAMP, SAME = "x-lab-signature", "x-lab-timestamp", "idempotency-key"
log = get_logger()


class Log:
    """A channel: one event a message."""

    def send(self, message: Message) -> str | None:
        """Never fails."""
        log.warning("incident", title=words.title(message), reason=message.incident.reason, **_fields(message))
        return None

    def close(self) -> None:
        """Nothing is open."""


def _fields(message: Message) -> dict[str, str]:
    return {name.replace(" ", "_"): value for name, value in words.facts(message).items()}


class AppriseChannel:
    """A channel: one or more addresses in apprise's form, such as mailto:// or ntfy://."""

    def __init__(self, config: ChannelConfig, secrets: dict[str, SecretStr]) -> None:
        self._apprise = Apprise()
        for url in secrets["urls"].get_secret_value().split():
            if not self._apprise.add(url):
                raise ConfigError(config.secrets["urls"], "holds an address that apprise does not know", "see its list")

    def send(self, message: Message) -> str | None:
        """Where one of several addresses fails, all get it again. Raises ChannelError."""
        kind = NotifyType.SUCCESS if message.ended else KINDS[message.incident.severity]
        if not self._apprise.notify(title=words.title(message), body=words.body(message), notify_type=kind):
            raise ChannelError("apprise: an address did not take it", unsure=True)
        return None

    def close(self) -> None:
        """Nothing is open."""


class Webhook:
    """A channel: the incident as JSON. With a secret, signed: HMAC-SHA256 of the time stamp, a point and the body."""

    def __init__(self, config: ChannelConfig, secrets: dict[str, SecretStr], clock: Clock) -> None:
        url = secrets.get("url")
        self._url = config.options["url"] if url is None else url.get_secret_value()
        self._secret, self._clock = secrets.get("secret"), clock
        self._http = http.client()

    def send(self, message: Message) -> str | None:
        """Raises ChannelError."""
        raw = json.dumps(payload(message)).encode()
        incident = message.incident
        headers = {"content-type": "application/json", SAME: f"{incident.id}-{message.news}-{incident.revision}"}
        if self._secret is not None:
            stamp = str(int(self._clock.now()))
            headers |= {TIMESTAMP: stamp, SIGNATURE: f"sha256={signature(self._secret, stamp, raw)}"}
        http.post(self._http, self._url, content=raw, headers=headers)
        return None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def payload(message: Message) -> dict[str, Any]:
    """The incident as it stands on its topic, without who was told, and what there is to tell of it."""
    incident = {
        name: value for name, value in message.incident.to_avro().items() if name not in ("told", "released_at")
    }
    return {
        "news": str(message.news),
        "repeat": message.repeat,
        "title": words.title(message),
        "link": words.link(message) or None,
        "incident": incident,
    }


def signature(secret: SecretStr, stamp: str, raw: bytes) -> str:
    """Hexadecimal."""
    return hmac.new(secret.get_secret_value().encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
