"""One run of a live source, from its settings to its clean end."""

from __future__ import annotations

import socket

from kafka_cluster import metrics
from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.log import get_logger
from kafka_cluster.meter import Meter
from kafka_cluster.metrics_server import serving
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.tracing import open_tracer
from producer.resume import last_instants
from producer.send import MetricSender
from producer.sources.open import open_source
from producer.sources.settings import SourceSettings
from producer.sources.watch import Watch, Watched

log = get_logger()


def watch(settings: SourceSettings, clock: Clock, stop: Stop) -> Watched:
    """Send what the source of the settings has, until the stop is requested. Raises LabError."""
    with serving(settings, metrics.PRODUCER, clock, stop) as meter:
        return _watch(settings, clock, stop, meter)


def _watch(settings: SourceSettings, clock: Clock, stop: Stop, meter: Meter) -> Watched:
    open_source(settings, clock).close()  # what is wrong with the settings is said before waiting for servers
    wait_for_broker(settings, clock)
    source = open_source(settings, clock, held=last_instants(settings) if settings.source_backfill_s else None)
    log.info("source", source=source.name, metrics=list(source.metrics), every_s=settings.source_every_s)
    heartbeat = Heartbeat(settings.heartbeat_file, clock, meter=meter, program="producer")
    try:
        tracer = open_tracer(settings, "producer", socket.gethostname(), clock)
        with wait_for_registry(settings, clock) as registry:
            sender = MetricSender(settings, registry, source.metrics, tracer)
        watching = Watch(source, sender, settings.source_every_s, clock, stop, heartbeat, meter)
        meter.follow(metrics.PRODUCER_RECORDS, lambda: sender.delivered)
        meter.follow(metrics.PRODUCER_FAILED, lambda: sender.failed)
        meter.follow(metrics.PRODUCER_SOURCE_UP, lambda: watching.up)
        try:
            watched = watching.run()
        finally:
            sender.close()
            tracer.close()
    finally:
        source.close()
    log.info("watched", delivered=watched.delivered, looks=watched.looks, away=watched.away)
    return watched
