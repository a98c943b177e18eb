"""Spans to a collector by OTLP over HTTP. The only module that knows OpenTelemetry; loaded when TRACES=otlp."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from urllib.parse import unquote

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as ApiSpan

from kafka_cluster import hidden
from kafka_cluster.clock import Clock
from kafka_cluster.log import get_logger
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.tracing import Attributes, Kind, Sampler, Span, TraceContext, Tracer, in_ns

NAMESPACE = "kafka-anomaly-lab"
EXPORT_TIMEOUT_S = 3.0  # of one request, with what the exporter tries again within it
AWAY_S = 5.0  # after a failure: how long spans are dropped before the collector is tried again
CLOSE_S = 3.0  # at the end of the program, for what is not delivered yet
QUEUE, BATCH, EVERY_MS = 4_096, 512, 1_000  # spans that wait, spans a request, and how often one goes out
SECRETS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
log = get_logger()


def open_otlp(settings: KafkaSettings, service: str, instance: str, clock: Clock) -> Tracer:
    """A tracer that delivers in the background: nothing waits for it, and what cannot be delivered is dropped."""
    for name in SECRETS:
        for pair in os.environ.get(name, "").split(","):
            hidden.remember(unquote(pair.partition("=")[2].strip()))
    exporter = Delivery(OTLPSpanExporter(endpoint=_endpoint(settings), timeout=EXPORT_TIMEOUT_S), clock)
    processor = BatchSpanProcessor(
        exporter, max_queue_size=QUEUE, max_export_batch_size=BATCH, schedule_delay_millis=EVERY_MS
    )
    log.info("traces", to=_endpoint(settings), share=settings.trace_sample, per_s=settings.trace_limit)
    sampler = Sampler(settings.trace_sample, settings.trace_limit, clock)
    return OtelTracer(processor, service, instance, sampler, clock)


def _endpoint(settings: KafkaSettings) -> str:
    """Where traces go, by the rules of OpenTelemetry: its own variable for traces is taken as it is."""
    for_traces = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
    return for_traces or f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces"


class OtelTracer(Tracer):
    """Spans of one program, through a processor."""

    on = True

    def __init__(self, processor: SpanProcessor, service: str, instance: str, sampler: Sampler, clock: Clock) -> None:
        named = os.environ.get("OTEL_SERVICE_NAME") or service
        who = {"service.namespace": NAMESPACE, "service.name": named, "service.instance.id": instance}
        self._provider = TracerProvider(resource=Resource.create(who), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(NAMESPACE)
        self._sampler, self._clock = sampler, clock
        self._closing = threading.Thread(target=self._provider.shutdown, name="traces-close", daemon=True)

    def span(
        self,
        name: str,
        parent: TraceContext | None = None,
        *,
        kind: Kind = Kind.INTERNAL,
        links: Sequence[TraceContext] = (),
        start_ns: int | None = None,
        attributes: Attributes | None = None,
    ) -> Span:
        """A span that begins, now or at `start_ns`; without a parent it begins a trace."""
        begun = self._tracer.start_span(
            name,
            None if parent is None else set_span_in_context(NonRecordingSpan(_theirs(parent))),
            SpanKind[kind.name],
            dict(attributes or {}),
            [Link(_theirs(one)) for one in links],
            self.now_ns() if start_ns is None else start_ns,
        )
        return OtelSpan(begun, self._clock)

    def takes(self, records: int = 1) -> bool:
        """Whether the way of one of the next records is to be traced."""
        return self._sampler.takes(records)

    def room(self) -> bool:
        """Whether there may be a span more in this second."""
        return self._sampler.room()

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return in_ns(self._clock.now())

    def close(self) -> None:
        """Deliver what is recorded, for CLOSE_S at most: a collector that is away holds up no end."""
        if self._closing.ident is None:
            self._closing.start()
            self._closing.join(CLOSE_S)


class OtelSpan(Span):
    """A span that is recorded."""

    def __init__(self, span: ApiSpan, clock: Clock) -> None:
        self._span, self._clock = span, clock
        own = span.get_span_context()
        self.context = (
            TraceContext(own.trace_id, own.span_id, int(own.trace_flags), remote=False) if own.is_valid else None
        )

    def set(self, attributes: Attributes) -> None:
        """More attributes."""
        self._span.set_attributes(dict(attributes))

    def link(self, to: TraceContext) -> None:
        """It also has to do with another span, of whatever trace."""
        self._span.add_link(_theirs(to))

    def fail(self, reason: str) -> None:
        """What it stands for did not succeed."""
        self._span.set_status(Status(StatusCode.ERROR, reason))

    def end(self, at_ns: int | None = None) -> None:
        """It ends, now or at a time in nanoseconds since the epoch."""
        if self._span.is_recording():
            self._span.end(in_ns(self._clock.now()) if at_ns is None else at_ns)


class Delivery(SpanExporter):
    """An exporter that says once that the collector is away, and once that it is back.

    Between two tries what comes is dropped and counted: spans are no records.
    """

    def __init__(self, inner: SpanExporter, clock: Clock) -> None:
        self._inner, self._clock = inner, clock
        self._lost, self._try_at_s = 0, float("-inf")
        self._reason = LastWords()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Deliver, or drop."""
        if self._clock.monotonic() < self._try_at_s:
            self._lost += len(spans)
            return SpanExportResult.FAILURE
        result = self._inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                log.info("traces are delivered again", lost=self._lost)
            self._lost, self._try_at_s = 0, float("-inf")
            return result
        if not self._lost:
            log.warning("traces are not delivered", error=self._reason.text, next_try_s=AWAY_S)
        self._lost += len(spans)
        self._try_at_s = self._clock.monotonic() + AWAY_S
        return result

    def shutdown(self) -> None:
        """Nothing more comes."""
        self._inner.shutdown()


class LastWords(logging.Handler):
    """What OpenTelemetry's own loggers said last. They repeat themselves: it is for `Delivery` to say it, once."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        theirs = logging.getLogger("opentelemetry")
        theirs.propagate = False
        theirs.handlers[:] = [self]

    def emit(self, record: logging.LogRecord) -> None:
        """Remember it."""
        self.text = record.getMessage()


def _theirs(context: TraceContext) -> SpanContext:
    return SpanContext(
        context.trace_id, context.span_id, is_remote=context.remote, trace_flags=TraceFlags(context.flags)
    )
