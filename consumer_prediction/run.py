"""One prediction consumer, from its settings to its clean end."""

from __future__ import annotations

from contextlib import closing

from consumer_prediction.settings import PredictionSettings
from consumer_prediction.worker import Counts, Worker
from kafka_cluster import metrics
from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.metrics_server import serving
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.tracing import open_tracer
from kafka_cluster.transaction import Transactions


def run(
    settings: PredictionSettings, clock: Clock, stop: Stop, transactions: type[Transactions] = Transactions
) -> Counts:
    """Wait for the servers, join the group, score until the stop is requested. Raises LabError."""
    wait_for_broker(settings, clock)
    with (
        serving(settings, metrics.PREDICTION, clock, stop, settings.consumer_id) as meter,
        closing(open_tracer(settings, "consumer_prediction", settings.consumer_id, clock)) as tracer,
        wait_for_registry(settings, clock) as registry,
    ):
        return Worker(settings, registry, clock, stop, transactions, meter, tracer).run()
