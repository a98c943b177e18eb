"""Traces: spans, and the header by which a record carries the span that it came from (W3C Trace Context).

Off, which it is unless asked for, nothing is imported, no header is written and none is looked for. On, a program takes
its tracer from `open_tracer` and gives it to whatever makes spans:

    with tracer.span("send alerts", extract(message.headers()), kind=Kind.PRODUCER, attributes={...}) as span:
        producer.produce(topic, value, key, headers=inject(span.context))

Only `kafka_cluster.otlp` knows OpenTelemetry.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Self

from kafka_cluster.clock import Clock
from kafka_cluster.dead_letters import ClientHeaders, Headers
from kafka_cluster.settings import KafkaSettings

TRACEPARENT = "traceparent"
SAMPLED = 1
_NS = 1_000_000_000
# Version 00, or a later one, which may have more after the flags; version ff is no version.
_FORM = re.compile(rb"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
Attributes = Mapping[str, str | int | float | bool]


class Kind(StrEnum):
    """The part of a span between programs."""

    INTERNAL = "INTERNAL"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"
    CLIENT = "CLIENT"


class TraceContext(NamedTuple):
    """Which span of which trace."""

    trace_id: int  # 128 bits, not 0
    span_id: int  # 64 bits, not 0
    flags: int = SAMPLED
    remote: bool = True  # another program's

    @property
    def sampled(self) -> bool:
        """Whether spans of this trace are kept."""
        return bool(self.flags & SAMPLED)

    @property
    def trace(self) -> str:
        """The trace's id as people and back ends write it: 32 hexadecimal digits."""
        return f"{self.trace_id:032x}"


def inject(context: TraceContext | None) -> Headers:
    """The headers that carry a span to the next program; none without one."""
    if context is None:
        return []
    return [(TRACEPARENT, f"00-{context.trace}-{context.span_id:016x}-{context.flags:02x}".encode())]


def extract(headers: ClientHeaders) -> TraceContext | None:
    """The span that a record came from. None without a header, or with one that does not follow the standard."""
    for name, content in headers.items() if isinstance(headers, dict) else headers or ():
        if name == TRACEPARENT:
            return _parsed(content)
    return None


def _parsed(content: str | bytes | None) -> TraceContext | None:
    written = content.encode() if isinstance(content, str) else content or b""
    found = _FORM.fullmatch(written)
    if found is None or (found[1] == b"00" and found[5]):
        return None
    context = TraceContext(int(found[2], 16), int(found[3], 16), int(found[4], 16))
    return context if context.trace_id and context.span_id else None


class Span:
    """One that is not recorded. Ends with its `with` block, or by `end`; ending twice changes nothing."""

    context: TraceContext | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self.fail(f"{type(error).__name__}: {error}")
        self.end()

    def set(self, attributes: Attributes) -> None:
        """More attributes."""

    def link(self, to: TraceContext) -> None:
        """It also has to do with another span, of whatever trace."""

    def fail(self, reason: str) -> None:
        """What it stands for did not succeed."""

    def end(self, at_ns: int | None = None) -> None:
        """It ends, now or at a time in nanoseconds since the epoch."""


class Tracer:
    """One that is off. `on` tells whether it is worth asking for anything."""

    on = False

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
        del name, parent, kind, links, start_ns, attributes
        return NO_SPAN

    def takes(self, records: int = 1) -> bool:
        """Whether the way of one of the next records is to be traced: TRACE_SAMPLE of them, at most TRACE_LIMIT/s."""
        del records
        return False

    def room(self) -> bool:
        """Whether there may be a span more in this second, for what is not chosen by a producer."""
        return False

    def now_ns(self) -> int:
        """The time for a span, nanoseconds since the epoch."""
        return 0

    def close(self) -> None:
        """Deliver what is recorded, if that is soon done. Harmless when repeated."""


class Sampler:
    """Chooses records evenly, by their place in the stream; past `per_s` in a second, none."""

    def __init__(self, share: float, per_s: float, clock: Clock) -> None:
        self._share, self._per_s, self._clock = share, per_s, clock
        self._due = 1.0 - share  # so that the first record is chosen, where any is
        self._left, self._at = max(per_s, 1.0), clock.monotonic()

    def takes(self, records: int = 1) -> bool:
        """Whether one of the next is chosen."""
        self._due += self._share * records
        if self._due < 1.0 or self._share == 0:
            return False
        self._due %= 1.0
        return self.room()

    def room(self) -> bool:
        """Whether one more is within the limit; it counts then."""
        now = self._clock.monotonic()
        self._left = min(max(self._per_s, 1.0), self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Origins:
    """The spans that the newest anomalies came from, by anomaly id, for what people do about them. For many threads."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity, self._lock = capacity, threading.Lock()
        self._spans: OrderedDict[str, TraceContext] = OrderedDict()

    def put(self, anomaly_id: str, context: TraceContext | None) -> None:
        """Remember one, where there is one."""
        if context is None:
            return
        with self._lock:
            self._spans[anomaly_id] = context
            if len(self._spans) > self._capacity:
                self._spans.popitem(last=False)

    def get(self, anomaly_id: str) -> TraceContext | None:
        """The span, if it is remembered."""
        with self._lock:
            return self._spans.get(anomaly_id)


def in_ns(seconds: float) -> int:
    """Seconds since the epoch in nanoseconds."""
    return round(seconds * _NS)


NO_SPAN = Span()
UNTRACED = Tracer()


def open_tracer(settings: KafkaSettings, service: str, instance: str, clock: Clock) -> Tracer:
    """The tracer of a program, closed by whoever opened it. `instance` tells its members apart."""
    if settings.traces == "off":
        return UNTRACED
    from kafka_cluster.otlp import open_otlp  # noqa: PLC0415 - OpenTelemetry is loaded only where it is wanted

    return open_otlp(settings, service, instance, clock)
