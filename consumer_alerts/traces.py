"""Traces go on here: from the anomaly, by the incident that it belongs to, to each channel that was told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from consumer_alerts.reading import Read
from consumer_alerts.telling import Message, News
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.dead_letters import Headers
from kafka_cluster.incident import Incident
from kafka_cluster.span_attributes import ANOMALY_ID, CHANNEL, INCIDENT_ID, MODEL_VERSION, NEWS, member, messaging
from kafka_cluster.tracing import NO_SPAN, UNTRACED, Kind, Origins, Span, TraceContext, Tracer, extract, inject


class AlertTraces:
    """The spans of one member. An incident goes on in the trace of its strangest anomaly."""

    def __init__(self, tracer: Tracer = UNTRACED, group: str = "", name: str = "") -> None:
        self._tracer, self._who = tracer, member(group, name)
        self._origins = Origins()

    @contextmanager
    def of(self, consumed: ConsumedBatch, found: list[Read]) -> Iterator[list[Span]]:
        """The spans of a batch's traced anomalies, until they are written down in incidents, or not."""
        spans = self._begun(consumed, found) if self._tracer.on else []
        try:
            yield spans
        finally:
            for span in spans:
                span.end()

    def carried(self, incident: Incident | None) -> Headers:
        """The headers of an incident that is written down."""
        return [] if incident is None else inject(self._origins.get(incident.peak_id))

    def telling(self, message: Message) -> Span:
        """The span of an attempt to tell a channel; none for what is said again, or has no trace."""
        came = self._origins.get(message.incident.peak_id) if message.news is not News.AGAIN else None
        if came is None:
            return NO_SPAN
        channel = message.told.channel
        more = {CHANNEL: channel, INCIDENT_ID: message.incident.id, NEWS: str(message.news)}
        return self._tracer.span(f"tell {channel}", came, kind=Kind.CLIENT, attributes=more)

    def _begun(self, consumed: ConsumedBatch, found: list[Read]) -> list[Span]:
        contexts = {consumed.address(row): extract(headers) for row, headers in consumed.with_headers()}
        spans = []
        for one in found:
            came = contexts.get((one.partition, one.offset))
            if came is None or not came.sampled:
                continue
            span = self._process(consumed.topic, one, came) if self._tracer.room() else NO_SPAN
            self._origins.put(one.anomaly.id, span.context or came)
            spans.append(span)
        return spans

    def _process(self, topic: str, one: Read, came: TraceContext) -> Span:
        place = messaging("process", topic, partition=one.partition, offset=one.offset, key=one.anomaly.key)
        more = {ANOMALY_ID: one.anomaly.id, MODEL_VERSION: one.anomaly.model_version}
        attributes = {**place, **self._who, **more}
        return self._tracer.span(f"process {topic}", came, kind=Kind.CONSUMER, attributes=attributes)
