"""One HTTP request, and what its answer means for a message."""

from __future__ import annotations

import ssl
from typing import Any

import httpx2
import truststore

from consumer_alerts.channels.channel import TIMEOUT_S, ChannelError

TOO_MANY = 429
# Of an access that can be put right while the message waits, or a server that is busy: not the message's fault.
NOT_THE_MESSAGE = frozenset({401, 403, 404, 407, 408, 425, TOO_MANY})
CLIENT_ERROR, SERVER_ERROR = 400, 500
LONGEST_ASKED_S = 300.0
SHOWN = 200  # characters of an answer


def client(**options: Any) -> httpx2.Client:
    """A client that trusts what the machine trusts."""
    return httpx2.Client(timeout=TIMEOUT_S, verify=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT), **options)


def post(http: httpx2.Client, url: str, **request: Any) -> httpx2.Response:
    """The answer to a POST, a good one. Raises ChannelError."""
    try:
        answer = http.post(url, **request)
    except httpx2.HTTPError as error:
        raise transport_error(error) from None
    check(answer.status_code, answer.text, answer.headers.get("retry-after"))
    return answer


def transport_error(error: Exception) -> ChannelError:
    """No answer came. Where a connection was there, the message may have arrived."""
    before = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
    return ChannelError(f"{type(error).__name__}: {error}", unsure=not before)


def check(status: int, text: str, retry_after: str | None = None) -> None:
    """Raises ChannelError for an answer that is no success."""
    if status < CLIENT_ERROR:
        return
    refused = status < SERVER_ERROR and status not in NOT_THE_MESSAGE
    raise ChannelError(f"HTTP {status}: {text[:SHOWN]}", after_s=asked_s(retry_after), refused=refused)


def asked_s(retry_after: str | None) -> float:
    """Seconds of a Retry-After header; 0 for one that has none, or a date."""
    return min(float(retry_after), LONGEST_ASKED_S) if retry_after and retry_after.strip().isdecimal() else 0.0
