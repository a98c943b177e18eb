"""One producer run: read and check every series, then replay."""

from __future__ import annotations

import datetime as dt
import socket

from kafka_cluster import dataset as datasets
from kafka_cluster import metrics
from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger
from kafka_cluster.meter import Meter
from kafka_cluster.metrics_server import serving
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.tracing import open_tracer
from producer.load import load
from producer.replay import Replayed, part, replay
from producer.resume import last_instants
from producer.send import MetricSender
from producer.settings import ReplaySettings

log = get_logger()


def run(settings: ReplaySettings, clock: Clock, stop: Stop) -> Replayed:
    """Replay the data set of the settings. Raises LabError, before the first record, for data that cannot be used."""
    with serving(settings, metrics.PRODUCER, clock, stop) as meter:
        return _run(settings, clock, stop, meter)


def _run(settings: ReplaySettings, clock: Clock, stop: Stop, meter: Meter) -> Replayed:
    dataset = datasets.read(settings.dataset)
    merged = load(dataset, duplicates=settings.replay_duplicates, sort=settings.replay_sort)
    records = part(merged, settings)
    if len(records.times_ms) == 0:
        way_out = f"the data go from {_text(merged.times_ms[0])} to {_text(merged.times_ms[-1])}"
        raise LabError("REPLAY_FROM and REPLAY_TO", "leave no record", way_out)
    log.info(
        "replay", data=dataset.source, records=len(records.times_ms), metrics=list(records.names),
        first=_text(records.times_ms[0]), last=_text(records.times_ms[-1]), filled_forward=list(records.filled),
    )  # fmt: skip
    wait_for_broker(settings, clock)
    tracer = open_tracer(settings, "producer", socket.gethostname(), clock)
    with wait_for_registry(settings, clock) as registry:
        sender = MetricSender(settings, registry, records.names, tracer)
    meter.follow(metrics.PRODUCER_RECORDS, lambda: sender.delivered)
    meter.follow(metrics.PRODUCER_FAILED, lambda: sender.failed)
    try:
        held = last_instants(settings) if settings.replay_resume else {}
        replayed = replay(records, dataset.name, sender, settings, clock, stop, held=held, meter=meter)
    finally:
        sender.close()
        tracer.close()
    log.info("replayed", delivered=replayed.delivered)
    return replayed


def _text(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(int(time_ms) / 1000, dt.UTC):%Y-%m-%d %H:%M}"
