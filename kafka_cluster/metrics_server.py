"""Serving a program's metrics over HTTP, for as long as it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server

from kafka_cluster.clock import Clock, Stop
from kafka_cluster.errors import LabError
from kafka_cluster.exporter import Exporter
from kafka_cluster.log import get_logger
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.settings import KafkaSettings

LOOK_EVERY_S = 0.1
log = get_logger()


@contextmanager
def serving(settings: KafkaSettings, program: str, clock: Clock, stop: Stop, program_id: str = "") -> Iterator[Meter]:
    """The meter of a program of `metrics.ALL`: OFF without METRICS_PORT, and nothing is done then.

    At the end it waits METRICS_LINGER_S at most for one more scrape, so that a program that ends by itself is seen at
    its end; a requested stop cuts that short. Raises LabError when the port is taken.
    """
    if settings.metrics_port is None:
        yield OFF
        return
    meter = Exporter(program, program_id)
    try:
        server, thread = start_http_server(settings.metrics_port, settings.metrics_host, meter.registry)
    except OSError as error:
        thing = f"metrics {settings.metrics_host}:{settings.metrics_port}"
        raise LabError(thing, str(error.strerror).lower(), "METRICS_PORT sets another port; 0: any free one") from None
    log.info("metrics", url=f"http://{settings.metrics_host}:{server.server_port}/metrics")
    try:
        yield meter
        _linger(meter, settings.metrics_linger_s, clock, stop)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _linger(meter: Exporter, limit_s: float, clock: Clock, stop: Stop) -> None:
    """Until somebody has looked once more."""
    looks, deadline = meter.looks, clock.monotonic() + limit_s
    while meter.looks == looks and clock.monotonic() < deadline and not stop.requested:
        clock.sleep(LOOK_EVERY_S)
