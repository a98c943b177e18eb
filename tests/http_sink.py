"""An address that takes requests, remembers them, and answers as it is told to."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self


class Request(NamedTuple):
    """What came."""

    path: str
    headers: dict[str, str]  # names in lower case
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


class Answer(NamedTuple):
    """What to say to it."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    hang_up: bool = False  # take the request, and close the connection without a word


Decide = Callable[[Request], Answer]


class HttpSink:
    """Listens on a port of loopback for as long as the block lasts; with a file of key and certificate, by TLS."""

    def __init__(self, decide: Decide = lambda _: Answer(), certificate: Path | None = None) -> None:
        self.requests: list[Request] = []
        self.decide = decide
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, raw)
                answer = sink.decide(request)
                sink.requests.append(request)
                if answer.hang_up:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in {**answer.headers, "content-length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def bodies(self) -> list[Any]:
        """Every request's JSON."""
        return [request.json for request in self.requests]
