"""Spans on their way to the collector: kept in order, said once, never waited for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import monotonic

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from kafka_cluster import otlp
from kafka_cluster.clock import ManualClock, SystemClock
from kafka_cluster.hidden import hide
from kafka_cluster.otlp import AWAY_S, Delivery, OtelTracer
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.tracing import Kind, Sampler, TraceContext, Tracer, open_tracer


def made(exporter: SpanExporter, clock: ManualClock) -> Tracer:
    return OtelTracer(SimpleSpanProcessor(exporter), "consumer", "one", Sampler(1.0, 10.0, clock), clock)


class Collector(SpanExporter):
    def __init__(self) -> None:
        self.up, self.calls = True, 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.calls += len(spans)
        return SpanExportResult.SUCCESS if self.up else SpanExportResult.FAILURE


def test_a_span_is_what_it_was_told() -> None:
    memory, clock = InMemorySpanExporter(), ManualClock(1_000.5)
    tracer = made(memory, clock)
    parent, other = TraceContext(0xAB, 0xCD), TraceContext(0x1, 0x2)
    with tracer.span("send metrics", parent, kind=Kind.PRODUCER, links=[other], attributes={"a": 1}) as span:
        clock.sleep(2)
        span.set({"b": "two"})
        span.link(parent)
    (done,) = memory.get_finished_spans()
    assert (done.name, done.kind.name, done.attributes) == ("send metrics", "PRODUCER", {"a": 1, "b": "two"})
    assert (done.start_time, done.end_time) == (1_000_500_000_000, 1_002_500_000_000)
    assert done.parent is not None
    assert (done.parent.trace_id, done.parent.span_id, done.parent.is_remote) == (0xAB, 0xCD, True)
    assert [link.context.trace_id for link in done.links] == [0x1, 0xAB]
    assert span.context is not None
    assert (span.context.trace_id, span.context.sampled) == (0xAB, True)
    assert done.resource.attributes["service.name"] == "consumer"
    assert done.resource.attributes["service.instance.id"] == "one"


def test_a_span_without_a_parent_begins_a_trace_and_an_error_marks_it() -> None:
    memory = InMemorySpanExporter()
    tracer = made(memory, ManualClock())
    with pytest.raises(ValueError, match="no"), tracer.span("judge"):
        raise ValueError("no")
    (done,) = memory.get_finished_spans()
    assert done.parent is None
    assert (done.status.status_code.name, done.status.description) == ("ERROR", "ValueError: no")


def test_ending_twice_changes_nothing() -> None:
    memory = InMemorySpanExporter()
    span = made(memory, ManualClock()).span("x", start_ns=1)
    span.end(2)
    span.end(3)
    (done,) = memory.get_finished_spans()
    assert done.end_time == 2


def test_a_collector_that_is_away_is_said_once_and_tried_now_and_then() -> None:
    inner, clock = Collector(), ManualClock()
    tracer = made(Delivery(inner, clock), clock)
    with capture_logs() as said:
        inner.up = False
        for _ in range(10):
            tracer.span("x").end()
        assert inner.calls == 1
        clock.sleep(AWAY_S)
        tracer.span("x").end()
        assert inner.calls == 2
        inner.up = True
        clock.sleep(AWAY_S)
        tracer.span("x").end()
    assert [event["event"] for event in said] == ["traces are not delivered", "traces are delivered again"]
    assert said[1]["lost"] == 11


def test_the_end_waits_for_no_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    class Hanging(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            del spans
            held.wait(60)
            return SpanExportResult.FAILURE

    monkeypatch.setattr(otlp, "CLOSE_S", 0.05)
    processor = BatchSpanProcessor(Hanging(), schedule_delay_millis=10)
    tracer = OtelTracer(processor, "x", "x", Sampler(1.0, 1.0, SystemClock()), SystemClock())
    tracer.span("x").end()
    before = monotonic()
    tracer.close()
    tracer.close()
    assert monotonic() - before < 30  # far below the minute that the collector takes
    held.set()


@pytest.mark.parametrize(
    ("variables", "to"),
    [
        ({}, "http://127.0.0.1:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector/"}, "https://collector/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://other/here"}, "http://other/here"),
    ],
)
def test_the_collector_is_where_opentelemetrys_variables_say(
    variables: dict[str, str], to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with capture_logs() as said:
        open_tracer(KafkaSettings.read(traces="otlp"), "x", "x", SystemClock()).close()
    assert [event["to"] for event in said if event["event"] == "traces"] == [to]


def test_keys_for_the_collector_are_hidden_from_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2-otlp,other=Bearer%20swordfish")
    open_tracer(KafkaSettings.read(traces="otlp"), "x", "x", SystemClock()).close()
    assert "hunter2" not in hide("refused: hunter2-otlp")
    assert "swordfish" not in hide("refused: Bearer swordfish")
