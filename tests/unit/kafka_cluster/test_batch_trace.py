"""What spans a batch leaves: with traced records, with anomalies, with neither, and when it is undone."""

from __future__ import annotations

import pytest
from confluent_kafka import Message
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kafka_cluster.batch_trace import MOST_A_BATCH, NO_BATCHES, BatchTrace, batches
from kafka_cluster.clock import ManualClock
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.otlp import OtelTracer
from kafka_cluster.tracing import UNTRACED, Sampler, TraceContext, extract, inject

CAME = TraceContext(0xAB, 0xCD)


class Lab:
    """A member that polls for a second, decodes for two and commits for four."""

    def __init__(self) -> None:
        self.clock, self.memory = ManualClock(100.0), InMemorySpanExporter()
        tracer = OtelTracer(
            SimpleSpanProcessor(self.memory), "consumer", "one", Sampler(1.0, 1.0, self.clock), self.clock
        )
        self.batches = batches(tracer, "anomalies", "group", "one")

    def begin(self, *messages: Message) -> BatchTrace:
        self.batches.polling()
        self.clock.sleep(1)
        self.batches.polled()
        trace = self.batches.begin(ConsumedBatch("metrics", list(messages)))
        with trace.step("decode"):
            self.clock.sleep(2)
        return trace

    def commit(self, trace: BatchTrace) -> None:
        with trace.step("commit"):
            self.clock.sleep(4)
        trace.committed({"lab.model.version": "v1"})

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        done = self.memory.get_finished_spans()
        assert len({span.name for span in done}) == len(done)
        return {span.name: span for span in done}


@pytest.fixture
def lab() -> Lab:
    return Lab()


def message(offset: int, came: TraceContext | None = None) -> Message:
    return Message(
        topic="metrics", partition=3, offset=offset, key=b"host", value=b"v", headers=list(inject(came)) or None
    )


def times(span: ReadableSpan) -> tuple[float, float]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time / 1e9, span.end_time / 1e9


def test_off_a_batch_is_asked_for_nothing() -> None:
    made = batches(UNTRACED, "anomalies", "group", "one")
    assert made is NO_BATCHES
    trace = made.begin(None)  # type: ignore[arg-type]  # it must not even look
    with trace.step("decode"):
        assert trace.headers(0, 0) == []
    assert trace.fields(0, 0) == {}
    trace.committed({})


def test_a_batch_with_neither_traced_record_nor_anomaly_leaves_no_span(lab: Lab) -> None:
    lab.commit(lab.begin(message(1), message(2, CAME._replace(flags=0))))
    assert lab.spans == {}


def test_a_traced_records_trace_goes_on_and_the_batch_is_linked_to_it(lab: Lab) -> None:
    lab.commit(lab.begin(message(1), message(2, CAME), message(3)))
    spans = lab.spans
    assert set(spans) == {"process metrics", "process batch of metrics", "poll", "decode", "commit"}
    record, whole = spans["process metrics"], spans["process batch of metrics"]
    assert record.parent is not None
    assert (record.parent.trace_id, record.parent.span_id) == (0xAB, 0xCD)
    assert [(link.context.trace_id, link.context.span_id) for link in whole.links] == [(0xAB, 0xCD)]
    assert whole.parent is None
    for step in ("poll", "decode", "commit"):
        assert spans[step].parent == whole.context
    assert times(whole) == (100, 107)
    assert [times(spans[step]) for step in ("poll", "decode", "commit")] == [(100, 101), (101, 103), (103, 107)]
    assert times(record) == (101, 107)  # from when it was here until it was done with
    assert record.attributes == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "metrics",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 2,
        "messaging.kafka.message.key": "host",
        "messaging.consumer.group.name": "group",
        "messaging.client.id": "one",
        "lab.model.version": "v1",
    }
    assert whole.attributes is not None
    assert (whole.attributes["messaging.batch.message_count"], whole.attributes["lab.traced_records"]) == (3, 1)


def test_an_anomaly_goes_on_in_the_trace_of_its_record(lab: Lab) -> None:
    trace = lab.begin(message(1), message(2, CAME))
    carried = extract(list(trace.headers(3, 2)))
    lab.commit(trace)
    sent = lab.spans["send anomalies"]
    assert sent.parent == lab.spans["process metrics"].context
    assert carried is not None
    assert sent.context is not None
    assert (carried.trace_id, carried.span_id) == (0xAB, sent.context.span_id)
    assert trace.fields(3, 2) == {"trace_id": f"{0xAB:032x}"}


def test_anomalies_of_untraced_records_go_on_from_the_batch_all_from_one_span(lab: Lab) -> None:
    trace = lab.begin(message(1), message(2))
    assert trace.headers(3, 1) == trace.headers(3, 2) != []
    lab.commit(trace)
    spans = lab.spans
    assert set(spans) == {"send anomalies", "process batch of metrics", "poll", "decode", "commit"}
    assert spans["send anomalies"].parent == spans["process batch of metrics"].context


def test_an_undone_batch_says_so_in_every_span_of_a_record(lab: Lab) -> None:
    trace = lab.begin(message(2, CAME))
    trace.headers(3, 2)
    trace.failed("the transaction was undone")
    for name in ("process metrics", "process batch of metrics", "send anomalies"):
        assert lab.spans[name].status.description == "the transaction was undone"


def test_spans_of_a_batch_are_bounded_and_the_count_is_told(lab: Lab) -> None:
    lab.commit(lab.begin(*(message(offset, CAME) for offset in range(100))))
    done = lab.memory.get_finished_spans()
    assert sum(span.name == "process metrics" for span in done) == MOST_A_BATCH
    (whole,) = (span for span in done if span.name == "process batch of metrics")
    assert whole.attributes is not None
    assert whole.attributes["lab.traced_records"] == 100
    assert len(whole.links) == MOST_A_BATCH
