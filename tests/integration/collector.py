"""A collector that keeps the spans it is sent: OTLP over HTTP, in protobuf, as the standard has it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent


@dataclass(frozen=True)
class Got:
    """One span as it arrived. Ids are hexadecimal, times nanoseconds since the epoch."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str  # empty at the root of a trace
    start: int
    end: int
    failed: bool
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, Any] = field(hash=False)


class Collector:
    """Listens on `port` until the end of its `with` block."""

    def __init__(self) -> None:
        self.spans: list[Got] = []
        self.refused: list[str] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.take(self.path, self.headers["content-type"], body)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_given: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, path: str, content_type: str, body: bytes) -> None:
        """One request."""
        if (path, content_type) != ("/v1/traces", "application/x-protobuf"):
            self.refused.append(f"{path} {content_type}")
            return
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _attributes(resource.resource.attributes)["service.name"]
            self.spans += [_got(service, span) for scope in resource.scope_spans for span in scope.spans]

    def of(self, service: str, name: str) -> list[Got]:
        """The spans of that service and name."""
        return [span for span in self.spans if (span.service, span.name) == (service, name)]


def _got(service: str, span: Sent) -> Got:
    return Got(
        service,
        span.name,
        Sent.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        bool(span.status.message),
        tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        _attributes(span.attributes),
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    def value(pair: KeyValue) -> Any:
        return getattr(pair.value, pair.value.WhichOneof("value") or "string_value")

    return {pair.key: value(pair) for pair in pairs}
