"""One alerts consumer, from its settings to its clean end."""

from __future__ import annotations

from contextlib import closing

from consumer_alerts import rules_file
from consumer_alerts.settings import AlertsSettings
from consumer_alerts.worker import Counts, Worker
from kafka_cluster import metrics
from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.metrics_server import serving
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.tracing import open_tracer
from kafka_cluster.transaction import Transactions


def run(settings: AlertsSettings, clock: Clock, stop: Stop, transactions: type[Transactions] = Transactions) -> Counts:
    """Wait for the servers, join the group, tell people until the stop is requested. Raises LabError, ConfigError."""
    if settings.alerts_file is not None:
        rules_file.read(settings.alerts_file)  # what is wrong there is said before anything is waited for
    wait_for_broker(settings, clock)
    with (
        serving(settings, metrics.ALERTS, clock, stop, settings.consumer_id) as meter,
        closing(open_tracer(settings, "consumer_alerts", settings.consumer_id, clock)) as tracer,
        wait_for_registry(settings, clock) as registry,
    ):
        return Worker(settings, registry, clock, stop, transactions, meter, tracer=tracer).run()
