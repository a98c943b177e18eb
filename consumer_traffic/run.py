"""One traffic consumer, from its settings to its clean end."""

from __future__ import annotations

from contextlib import closing

from consumer_traffic.settings import TrafficSettings
from consumer_traffic.worker import Counts, Worker
from kafka_cluster import metrics
from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.metrics_server import serving
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.tracing import open_tracer


def run(settings: TrafficSettings, clock: Clock, stop: Stop) -> Counts:
    """Wait for the servers, join the group, watch until the stop is requested. Raises LabError."""
    wait_for_broker(settings, clock)
    with (
        serving(settings, metrics.TRAFFIC, clock, stop, settings.consumer_id) as meter,
        closing(open_tracer(settings, "consumer_traffic", settings.consumer_id, clock)) as tracer,
        wait_for_registry(settings, clock) as registry,
    ):
        return Worker(settings, registry, clock, stop, meter=meter, tracer=tracer).run()
