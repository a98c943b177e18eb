"""Who may ask, and what a browser is told to refuse. Plain ASGI, so that streams pass untouched."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "lab-session"
CSRF_HEADER = "x-lab-page"  # no form and no foreign script can send it without asking first, and it would be refused
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
MAX_BODY_BYTES = 16_384
API = "/api/"
OPEN_PATHS = ("/api/v1/session", "/api/v1/health")  # what can be asked without the token
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def session_of(token: str) -> str:
    """What the browser keeps in place of the token: it opens the page and cannot be turned back."""
    return hashlib.blake2b(b"lab page session", key=hashlib.sha256(token.encode()).digest()).hexdigest()


class Guard:
    """Refuses requests of foreign hosts, foreign sites and strangers; adds the headers to every answer."""

    def __init__(self, app: App, host_names: tuple[str, ...], token: str | None) -> None:
        self._app, self._token = app, token
        self._hosts = {name.casefold() for name in host_names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["method"], scope["path"], headers)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send, scope["path"]))
        else:
            await _refuse(_with_headers(send, scope["path"]), *refusal)

    def _refusal(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """Status and reason, or None for a request that may go on."""
        if host_name(headers.get("host", "")) not in self._hosts:
            return 421, "this page does not answer to that host name; DASHBOARD_NAMES adds one"
        if path.startswith(API) and path not in OPEN_PATHS and not self._knows(headers):
            return 401, "a token is needed: as bearer, or by POST to /api/v1/session"
        if method not in SAFE_METHODS:
            return _foreign(headers) or _too_long(headers)
        return None

    def _knows(self, headers: dict[str, str]) -> bool:
        if self._token is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.casefold() == "bearer" and _same(given.strip(), self._token):
            return True
        return _same(_cookie(headers.get("cookie", "")), session_of(self._token))


def host_name(header: str) -> str:
    """The name in a Host header or an authority, without its port."""
    name = header.strip().casefold()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]


def _foreign(headers: dict[str, str]) -> tuple[int, str] | None:
    """A request that changes something must come from the page itself, or from a program."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return 403, "requests from other sites change nothing here"
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.casefold() != headers.get("host", "").casefold():
        return 403, "requests from other origins change nothing here"
    if CSRF_HEADER not in headers:
        return 403, f"requests that change something carry the header {CSRF_HEADER}"
    return None


def _too_long(headers: dict[str, str]) -> tuple[int, str] | None:
    length = headers.get("content-length", "0" if "transfer-encoding" not in headers else "unknown")
    if not (length.isascii() and length.isdigit()):
        return 411, "the length of the body is needed"
    return (413, f"a body has at most {MAX_BODY_BYTES} bytes") if int(length[:20]) > MAX_BODY_BYTES else None


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _with_headers(send: Send, path: str) -> Send:
    extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    if path.startswith(API):
        extra.append((b"cache-control", b"no-store"))

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *extra]
        await send(message)

    return sending


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
