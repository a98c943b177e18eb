"""A trace goes on with the incident, to each channel that is told; off, nothing is looked at."""

from __future__ import annotations

import pytest
from confluent_kafka import Message
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from consumer_alerts.reading import Read
from consumer_alerts.telling import News
from consumer_alerts.traces import AlertTraces
from kafka_cluster.clock import ManualClock
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.otlp import OtelTracer
from kafka_cluster.tracing import NO_SPAN, Sampler, TraceContext, extract, inject
from tests.unit.consumer_alerts import test_lane
from tests.unit.consumer_alerts.conftest import Make

CAME = TraceContext(0xAB, 0xCD)
ROOM = 3


@pytest.fixture
def memory() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(memory: InMemorySpanExporter) -> AlertTraces:
    clock = ManualClock(100.0)
    tracer = OtelTracer(SimpleSpanProcessor(memory), "alerts", "one", Sampler(0.0, ROOM, clock), clock)
    return AlertTraces(tracer, "group", "one")


def batch(*came: TraceContext | None) -> ConsumedBatch:
    messages = [
        Message(topic="anomalies", partition=1, offset=offset, value=b"v", headers=list(inject(one)) or None)
        for offset, one in enumerate(came)
    ]
    return ConsumedBatch("anomalies", messages)


def reads(anomaly: Make, number: int) -> list[Read]:
    return [Read(1, offset, 0, anomaly()) for offset in range(number)]


def test_a_traced_anomaly_goes_on_to_whoever_is_told(
    anomaly: Make, traces: AlertTraces, memory: InMemorySpanExporter
) -> None:
    found = reads(anomaly, 2)
    with traces.of(batch(CAME, None), found):
        pass
    message = test_lane.message("incident")
    incident = message.incident._replace(peak_id=found[0].anomaly.id)
    with traces.telling(message._replace(incident=incident)) as span:
        span.fail("away")
    processed, told = memory.get_finished_spans()
    assert (processed.name, told.name) == ("process anomalies", "tell c")
    assert processed.parent is not None
    assert told.parent is not None
    assert processed.context is not None
    assert (processed.parent.trace_id, processed.parent.span_id) == (0xAB, 0xCD)
    assert (told.parent.trace_id, told.parent.span_id) == (0xAB, processed.context.span_id)
    assert told.attributes == {"lab.channel": "c", "lab.incident.id": "incident", "lab.news": "opened"}
    assert told.status.description == "away"
    carried = extract(list(traces.carried(incident)))
    assert carried is not None
    assert carried.span_id == processed.context.span_id


def test_what_has_no_trace_or_is_said_again_has_no_span(
    anomaly: Make, traces: AlertTraces, memory: InMemorySpanExporter
) -> None:
    found = reads(anomaly, 3)
    with traces.of(batch(None, CAME._replace(flags=0), CAME), found) as spans:
        assert len(spans) == 1
    assert traces.carried(None) == []
    for news, read in ((News.OPENED, found[0]), (News.OPENED, found[1]), (News.AGAIN, found[2])):
        message = test_lane.message("incident", news)
        incident = message.incident._replace(peak_id=read.anomaly.id)
        assert traces.telling(message._replace(incident=incident)) is NO_SPAN
        assert (traces.carried(incident) == []) == (read is not found[2])
    assert len(memory.get_finished_spans()) == 1


def test_past_the_limit_of_spans_a_trace_still_goes_on(
    anomaly: Make, traces: AlertTraces, memory: InMemorySpanExporter
) -> None:
    found = reads(anomaly, 10)
    with traces.of(batch(*[CAME] * 10), found):
        pass
    assert len(memory.get_finished_spans()) == ROOM
    last = test_lane.message("incident").incident._replace(peak_id=found[9].anomaly.id)
    assert extract(list(traces.carried(last))) == CAME


def test_off_no_header_is_looked_at(anomaly: Make) -> None:
    class Unlooked(ConsumedBatch):
        def with_headers(self) -> list[tuple[int, object]]:  # type: ignore[override]  # it is not to be called
            raise AssertionError

    with AlertTraces().of(Unlooked("anomalies", []), reads(anomaly, 1)) as spans:
        assert spans == []
