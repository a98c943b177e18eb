"""One history consumer, from its settings to its clean end."""

from __future__ import annotations

from contextlib import closing

from consumer_history.open_store import open_store
from consumer_history.progress import Counts
from consumer_history.settings import HistorySettings
from consumer_history.worker import Worker
from kafka_cluster import metrics
from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.metrics_server import serving
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.tracing import open_tracer
from kafka_cluster.transaction import Transactions


def run(settings: HistorySettings, clock: Clock, stop: Stop, transactions: type[Transactions] = Transactions) -> Counts:
    """Wait for the servers, join the group, store and check until the stop is requested. Raises LabError."""
    wait_for_broker(settings, clock)
    with (
        serving(settings, metrics.HISTORY, clock, stop, settings.consumer_id) as meter,
        closing(open_tracer(settings, "consumer_history", settings.consumer_id, clock)) as tracer,
        wait_for_registry(settings, clock) as registry,
    ):
        store = open_store(settings, registry, clock)
        return Worker(settings, registry, store, clock, stop, transactions, meter, tracer).run()
