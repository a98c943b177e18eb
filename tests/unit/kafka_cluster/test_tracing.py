"""The header that carries a span, which records are chosen, and that nothing happens when traces are off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kafka_cluster.clock import ManualClock, SystemClock
from kafka_cluster.errors import SettingsError
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.tracing import (
    NO_SPAN,
    UNTRACED,
    Origins,
    Sampler,
    TraceContext,
    extract,
    inject,
    open_tracer,
)

ROOT = Path(__file__).resolve().parents[3]
CONTEXT = TraceContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, 1)
WRITTEN = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def theirs(written: str) -> TraceContext | None:
    """The header as OpenTelemetry reads it."""
    found = get_current_span(TraceContextTextMapPropagator().extract({"traceparent": written})).get_span_context()
    return TraceContext(found.trace_id, found.span_id, int(found.trace_flags)) if found.is_valid else None


def test_a_span_goes_through_a_header_as_the_standard_has_it() -> None:
    assert inject(CONTEXT) == [("traceparent", WRITTEN)]
    assert extract([("other", b"x"), ("traceparent", WRITTEN)]) == CONTEXT
    assert extract({"traceparent": WRITTEN.decode()}) == CONTEXT
    assert inject(None) == []


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 255))
def test_whatever_the_span_opentelemetry_reads_what_we_write(trace_id: int, span_id: int, flags: int) -> None:
    context = TraceContext(trace_id, span_id, flags)
    ((_, written),) = inject(context)
    assert written is not None
    assert theirs(written.decode()) == extract([("traceparent", written)]) == context
    assert context.sampled == bool(flags & 1)


@pytest.mark.parametrize(
    "written",
    [
        b"", b"00", WRITTEN[:-1], WRITTEN + b"0", WRITTEN + b"-00", WRITTEN + b"\n", WRITTEN.upper(), b"\xff" * 55,
        b"ff" + WRITTEN[2:], b"00-" + b"0" * 32 + WRITTEN[35:], WRITTEN[:36] + b"0" * 16 + b"-01",
        b"01" + WRITTEN[2:] + b"-more",
    ],
)  # fmt: skip
def test_what_does_not_follow_the_standard_is_no_span(written: bytes) -> None:
    read = extract([("traceparent", written)])
    if b"\xff" not in written and not written.endswith(b"\n"):  # theirs takes no bytes, and trims
        assert read == theirs(written.decode())
    assert read is None or written.startswith(b"01")


@pytest.mark.parametrize("headers", [None, [], {}, [("traceparent", None)], [("tracestate", b"a=1")]])
def test_without_the_header_there_is_no_span(headers: list[tuple[str, str | bytes | None]]) -> None:
    assert extract(headers) is None


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 1.0])
def test_the_share_is_kept_to_and_the_first_record_is_chosen(share: float) -> None:
    sampler = Sampler(share, 1e9, ManualClock())
    chosen = [sampler.takes() for _ in range(10_000)]
    assert sum(chosen) == pytest.approx(share * 10_000, abs=1)
    assert chosen[0] == (share > 0)


def test_the_same_stream_is_chosen_from_alike() -> None:
    one, two = (Sampler(0.37, 1e9, ManualClock()) for _ in range(2))
    assert [one.takes() for _ in range(999)] == [two.takes() for _ in range(999)]


def test_of_a_batch_one_record_is_enough_and_the_share_of_batches_follows() -> None:
    sampler = Sampler(0.001, 1e9, ManualClock())
    assert [sampler.takes(400) for _ in range(6)] == [True, False, True, False, False, True]


def test_past_the_limit_none_is_chosen_until_time_goes_on() -> None:
    clock = ManualClock()
    sampler = Sampler(1.0, 5.0, clock)
    assert sum(sampler.takes() for _ in range(1_000)) == 5
    clock.sleep(0.4)
    assert sum(sampler.takes() for _ in range(1_000)) == 2
    clock.sleep(3600)
    assert sum(sampler.takes() for _ in range(1_000)) == 5


def test_origins_are_bounded_and_keep_the_newest() -> None:
    origins = Origins(capacity=2)
    for name in "abc":
        origins.put(name, CONTEXT)
    origins.put("d", None)
    assert [origins.get(name) for name in "abcd"] == [None, CONTEXT, CONTEXT, None]


def test_off_there_is_nothing_to_choose_write_or_end() -> None:
    tracer = open_tracer(KafkaSettings.read(), "producer", "one", SystemClock())
    assert tracer is UNTRACED
    assert not tracer.on
    assert not tracer.takes()
    with tracer.span("x", CONTEXT) as span:
        assert span is NO_SPAN
        assert inject(span.context) == []
    tracer.close()


PROGRAMS = (
    "kafka_cluster.prepare", "producer.__main__", "producer.events", "consumer_training.__main__",
    "consumer_prediction.__main__", "consumer_history.__main__",
)  # fmt: skip
LOADED = """
import runpy, sys
from kafka_cluster import program
sys.argv = ["x"]
for name in %r:
    try:
        runpy.run_module(name)
    except SystemExit:
        pass
from kafka_cluster.clock import SystemClock
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.tracing import open_tracer
open_tracer(KafkaSettings.read(), "x", "x", SystemClock()).close()
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_off_no_program_loads_opentelemetry() -> None:
    """The page is no part of it: FastAPI itself loads OpenTelemetry's interfaces where they are installed."""
    code = LOADED % (PROGRAMS,)
    env = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    "wrong",
    [{"traces": "on"}, {"trace_sample": 1.1}, {"trace_limit": 0}, {"otel_exporter_otlp_endpoint": "collector:4318"}],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        KafkaSettings.read(**wrong)
