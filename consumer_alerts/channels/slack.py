"""Slack, by its own client: an incoming webhook, or a bot's token, and then an incident is a thread.

Slack has no way to tell that a message came twice. One that may have arrived before is therefore never worded as a
new incident.
"""

from __future__ import annotations

import ssl
from typing import Any

import truststore
from pydantic import SecretStr
from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError

from consumer_alerts import words
from consumer_alerts.channels import http
from consumer_alerts.channels.channel import TIMEOUT_S, ChannelError
from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.telling import Message, News
from kafka_cluster.records import Severity

SIGNS = {Severity.LOW: ":large_blue_circle:", Severity.MEDIUM: ":large_orange_circle:", Severity.HIGH: ":red_circle:"}
ENDED = ":white_check_mark:"
MOST_FIELDS, LONGEST_FIELD, LONGEST_TEXT = 10, 1_800, 1_400  # Slack's limits: 10, 2,000 and 3,000 characters
# What a person can put right while messages wait; whatever else Slack says is about the message.
NOT_THE_MESSAGE = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
     "channel_not_found", "not_in_channel", "is_archived", "ratelimited", "rate_limited", "internal_error",
     "fatal_error", "service_unavailable", "request_timeout", "team_access_not_granted"}
)  # fmt: skip


class SlackWebhook:
    """A channel: messages one after the other."""

    def __init__(self, config: ChannelConfig, secrets: dict[str, SecretStr]) -> None:
        del config
        url = secrets["webhook"].get_secret_value()
        self._client = WebhookClient(url, timeout=int(TIMEOUT_S), ssl=_trust(), retry_handlers=[])

    def send(self, message: Message) -> str | None:
        """None: a webhook tells nothing of its messages. Raises ChannelError."""
        try:
            answer = self._client.send(text=words.title(message), blocks=blocks(message))
        except OSError as error:
            raise _transport_error(error) from None
        http.check(answer.status_code, str(answer.body), _retry_after(answer.headers))
        return None

    def close(self) -> None:
        """Nothing is open."""


class SlackBot:
    """A channel: an incident is a message, what follows goes into its thread, and its end above it too."""

    def __init__(self, config: ChannelConfig, secrets: dict[str, SecretStr]) -> None:
        base = {"base_url": config.options["url"].rstrip("/") + "/"} if "url" in config.options else {}
        token = secrets["token"].get_secret_value()
        self._client = WebClient(token, timeout=int(TIMEOUT_S), ssl=_trust(), retry_handlers=[], **base)
        self._channel = config.options["channel"]

    def send(self, message: Message) -> str | None:
        """The time stamp that Slack knows the first message by. Raises ChannelError."""
        thread = message.told.reference
        try:
            answer = self._client.chat_postMessage(
                channel=self._channel,
                text=words.title(message),
                blocks=blocks(message),
                thread_ts=thread,
                reply_broadcast=True if thread and message.news is not News.UPDATED else None,
                metadata={"event_type": "incident", "event_payload": {"id": message.incident.id}},
                unfurl_links=False,
            )
        except SlackApiError as error:
            raise _said(error) from None
        except OSError as error:
            raise _transport_error(error) from None
        return thread or str(answer["ts"])

    def close(self) -> None:
        """Nothing is open."""


def blocks(message: Message) -> list[dict[str, Any]]:
    """The message as Slack lays it out: a line, the reason, the facts in two columns."""
    incident = message.incident
    sign = ENDED if message.ended else SIGNS[incident.severity]
    facts = {name: value for name, value in words.facts(message).items() if name != "link"}
    fields = [
        {"type": "mrkdwn", "text": f"*{name}*\n{_escaped(value)[:LONGEST_FIELD]}"} for name, value in facts.items()
    ][:MOST_FIELDS]
    reason = _escaped(incident.reason)[:LONGEST_TEXT]
    address = words.link(message)
    more = [_section(f"<{address}|Look closer>")] if address else []
    head = _section(f"{sign} *{_escaped(words.title(message))[:LONGEST_TEXT]}*\n{reason}")
    return [head, {"type": "section", "fields": fields}, *more]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _escaped(text: str) -> str:
    """Slack's three characters, so that a key is never a link or a call to everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _said(error: SlackApiError) -> ChannelError:
    response = error.response
    status = int(getattr(response, "status_code", 0))
    said = str(response.get("error", "")) if hasattr(response, "get") else ""
    after_s = http.asked_s(_retry_after(getattr(response, "headers", {})))
    refused = status < http.SERVER_ERROR and status != http.TOO_MANY and said not in NOT_THE_MESSAGE
    return ChannelError(f"Slack: {said or status}", after_s=after_s, refused=refused)


def _retry_after(headers: Any) -> str | None:
    found = {str(name).lower(): value for name, value in dict(headers or {}).items()}.get("retry-after")
    return str(found[0] if isinstance(found, list) else found) if found else None


def _transport_error(error: OSError) -> ChannelError:
    refused = isinstance(getattr(error, "reason", error), ConnectionRefusedError)
    return ChannelError(f"{type(error).__name__}: {error}", unsure=not refused)


def _trust() -> ssl.SSLContext:
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
