"""The spans of a batch: one for the batch with its steps, one for each traced record in it.

A record that carries a span gets a child of that span, so that its trace goes on. The batch is a trace of its own,
linked to those records, because most of its records have none; an anomaly of one of those goes on from the batch. A
batch with neither a traced record nor an anomaly leaves no span.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from kafka_cluster import span_attributes as names
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.dead_letters import Headers
from kafka_cluster.span_attributes import member, messaging
from kafka_cluster.tracing import Attributes, Kind, Span, TraceContext, Tracer, extract, inject

MOST_A_BATCH = 32  # records that get a span; more only cost
Address = tuple[int, int]  # partition and offset
NO_HEADERS: Headers = []


class BatchTrace:
    """One that is off."""

    def step(self, name: str) -> AbstractContextManager[object]:
        """A step of the work on the batch."""
        del name
        return nullcontext()

    def headers(self, partition: int, offset: int) -> Headers:
        """The headers of an anomaly found in that record; asked for before the transaction."""
        del partition, offset
        return NO_HEADERS

    def fields(self, partition: int, offset: int) -> dict[str, str]:
        """What a log event on that record says about its trace."""
        del partition, offset
        return {}

    def committed(self, attributes: Attributes) -> None:
        """All of it is written."""

    def failed(self, reason: str) -> None:
        """Nothing of it is written: it will be read again."""


class Batches:
    """The batches of a member that does not trace."""

    def polling(self) -> None:
        """The client is asked for a batch now."""

    def polled(self) -> None:
        """The batch is there."""

    def begin(self, batch: ConsumedBatch) -> BatchTrace:
        """Work on the batch that was polled last begins."""
        del batch
        return NO_TRACE


class TracedBatches(Batches):
    """Those of one that does. `output` is the topic of what is found."""

    def __init__(self, tracer: Tracer, output: str, who: Attributes) -> None:
        self._tracer, self._output, self._who = tracer, output, who
        self._polled = (0, 0)

    def polling(self) -> None:
        """The client is asked for a batch now."""
        self._polled = (self._tracer.now_ns(), 0)

    def polled(self) -> None:
        """The batch is there."""
        self._polled = (self._polled[0], self._tracer.now_ns())

    def begin(self, batch: ConsumedBatch) -> BatchTrace:
        """Work on the batch that was polled last begins."""
        return LiveTrace(self._tracer, batch, self._polled, self._output, self._who)


class LiveTrace(BatchTrace):
    """The spans of one batch. Each is made when it is first needed, with the time at which it began."""

    def __init__(
        self, tracer: Tracer, batch: ConsumedBatch, polled: tuple[int, int], output: str, who: Attributes
    ) -> None:
        self._tracer, self._batch, self._output, self._who = tracer, batch, output, who
        self._steps = [("poll", *polled)]
        self._whole: Span | None = None
        self._sends: dict[Address | None, Span] = {}  # None: of all records that carry no span
        traced = traced_rows(batch)
        self._records = {batch.address(row): self._record(row, came) for row, came in traced[:MOST_A_BATCH]}
        if traced:
            self._begin_whole([came for _, came in traced[:MOST_A_BATCH]], len(traced))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step of the work on the batch."""
        start_ns = self._tracer.now_ns()
        try:
            yield
        finally:
            self._steps.append((name, start_ns, self._tracer.now_ns()))

    def headers(self, partition: int, offset: int) -> Headers:
        """The headers of an anomaly found in that record."""
        return inject(self._send((partition, offset)).context)

    def fields(self, partition: int, offset: int) -> dict[str, str]:
        """What a log event on that record says about its trace."""
        context = self._send((partition, offset)).context
        return {} if context is None else {"trace_id": context.trace}

    def committed(self, attributes: Attributes) -> None:
        """All of it is written."""
        for span in (*self._records.values(), *([self._whole] if self._whole else [])):
            span.set(attributes)
        self._end()

    def failed(self, reason: str) -> None:
        """Nothing of it is written: it will be read again."""
        for span in (*self._sends.values(), *self._records.values(), *([self._whole] if self._whole else [])):
            span.fail(reason)
        self._end()

    def _record(self, row: int, came: TraceContext) -> Span:
        partition, offset = self._batch.address(row)
        topic, key, received_ns = self._batch.topic, self._batch.key(row), self._steps[0][2]
        attributes = {**messaging("process", topic, partition=partition, offset=offset, key=key), **self._who}
        return self._tracer.span(
            f"process {topic}", came, kind=Kind.CONSUMER, start_ns=received_ns, attributes=attributes
        )

    def _begin_whole(self, links: list[TraceContext], traced: int) -> Span:
        if self._whole is None:
            attributes = {**messaging("process", self._batch.topic, count=len(self._batch)), **self._who}
            self._whole = self._tracer.span(
                f"process batch of {self._batch.topic}",
                kind=Kind.CONSUMER,
                links=links,
                start_ns=self._steps[0][1],
                attributes={**attributes, names.TRACED: traced},
            )
        return self._whole

    def _send(self, address: Address) -> Span:
        """The span that an anomaly of that record carries on."""
        key = address if address in self._records else None
        if key not in self._sends:
            parent = self._begin_whole([], 0) if key is None else self._records[key]
            self._sends[key] = self._tracer.span(
                f"send {self._output}",
                parent.context,
                kind=Kind.PRODUCER,
                attributes=messaging("send", self._output),
            )
        return self._sends[key]

    def _end(self) -> None:
        at_ns = self._tracer.now_ns()
        for span in (*self._sends.values(), *self._records.values()):
            span.end(at_ns)
        if self._whole is not None:
            for name, start_ns, end_ns in self._steps:
                self._tracer.span(name, self._whole.context, start_ns=start_ns).end(end_ns)
            self._whole.end(at_ns)


def traced_rows(batch: ConsumedBatch) -> list[tuple[int, TraceContext]]:
    """The rows of records that carry a span that is kept, with it."""
    found = ((row, extract(headers)) for row, headers in batch.with_headers())
    return [(row, came) for row, came in found if came is not None and came.sampled]


def batches(tracer: Tracer, output: str, group: str, name: str) -> Batches:
    """What a member of a group, of that name, tells its batches to."""
    return TracedBatches(tracer, output, member(group, name)) if tracer.on else NO_BATCHES


NO_TRACE = BatchTrace()
NO_BATCHES = Batches()
