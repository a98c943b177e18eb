"""One run of the event generator: walks, at their pace or as fast as the broker takes them, and their labels."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TextIO

import numpy as np

from kafka_cluster import metrics
from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.log import get_logger
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.metrics_server import serving
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.tracing import open_tracer
from producer.event_outage import Outage
from producer.event_places import Places, places
from producer.event_send import EventSender
from producer.event_settings import EventSettings
from producer.event_walks import Label, Walks
from producer.walk_kernel import Int64s

BATCH = 10_000  # events, at most; larger ones fall out of the cache between two steps
TICK_S = 0.01  # of a paced run: a batch is what is due after each
UNPACED_PER_S = 1_000_000  # event time without a rate: so many events a second
log = get_logger()


@dataclass(frozen=True)
class Sent:
    """What a run did."""

    delivered: int
    seconds: float  # until the last one was answered
    events_per_s: float
    labels: int


def run(settings: EventSettings, clock: Clock, stop: Stop) -> Sent:
    """Send events until the settings or the stop end it. Raises LabError when some were not delivered."""
    with serving(settings, metrics.EVENTS, clock, stop) as meter:
        return _run(settings, clock, stop, meter)


def _run(settings: EventSettings, clock: Clock, stop: Stop, meter: Meter) -> Sent:
    where = _places(settings)
    walks = Walks(settings.plan())
    wait_for_broker(settings, clock)
    tracer = open_tracer(settings, "producer", socket.gethostname(), clock)
    with wait_for_registry(settings, clock) as registry:
        sender = EventSender(settings, registry, where, tracer)
    try:
        return _Run(settings, clock, stop, walks, sender, where, meter).go()
    finally:
        sender.close()
        tracer.close()


class _Run:
    def __init__(
        self,
        settings: EventSettings,
        clock: Clock,
        stop: Stop,
        walks: Walks,
        sender: EventSender,
        where: Places | None,
        meter: Meter = OFF,
    ) -> None:
        self._settings, self._clock, self._stop, self._walks, self._sender = settings, clock, stop, walks, sender
        self._first_ms = settings.event_start_ms if settings.event_start_ms is not None else round(clock.now() * 1000)
        self._outage = _outage(settings, where, self._first_ms)
        self._heartbeat = Heartbeat(settings.heartbeat_file, clock, meter=meter, program="events")
        self._sent = self._labels = 0
        self._late_s = 0.0  # how much later than it was due the oldest event of a batch was sent
        meter.follow(metrics.PRODUCER_RECORDS, lambda: sender.handed)
        meter.follow(metrics.PRODUCER_FAILED, lambda: sender.failed)
        meter.follow(metrics.PRODUCER_LATENESS_SECONDS, lambda: self._late_s)
        if settings.event_rate is not None:
            meter.set(metrics.PRODUCER_PACE, settings.event_rate)

    def go(self) -> Sent:
        """All of it; the labels of what had not ended come last."""
        start = self._clock.monotonic()
        log.info("events", keys=self._settings.event_keys, rate=self._settings.event_rate or "as fast as it goes")
        path = self._settings.event_labels
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        with open(path or "/dev/null", "w", encoding="utf-8") as labels:  # noqa: PTH123 - the null device is no file
            while (count := self._due(start)) is not None:
                self._heartbeat.beat("sending", sent=self._sent, failed=self._sender.failed)
                if count:
                    self._send(count, labels)
                else:
                    self._clock.sleep(TICK_S)
            self._sender.flush()
            self._write(labels, [*self._walks.unfinished(), *(self._outage.labels if self._outage else ())])
        seconds = self._clock.monotonic() - start
        self._heartbeat.beat("stopped", sent=self._sent, failed=self._sender.failed)
        rate = self._sent / seconds if seconds else 0.0
        log.info("events sent", delivered=self._sent, seconds=round(seconds, 1), per_s=round(rate), labels=self._labels)
        return Sent(self._sent, round(seconds, 3), round(rate, 1), self._labels)

    def _due(self, start: float) -> int | None:
        """How many events to send now; None at the end."""
        settings, elapsed = self._settings, self._clock.monotonic() - start
        ends = settings.event_records
        if settings.event_seconds is not None and settings.event_rate is not None:
            within = int(settings.event_seconds * settings.event_rate)
            ends = within if ends is None else min(ends, within)
        elif settings.event_seconds is not None and elapsed >= settings.event_seconds:
            return None
        left = BATCH if ends is None else ends - self._sent
        if self._stop.requested or left <= 0:
            return None
        by_now = left
        if settings.event_rate is not None:
            by_now = int(elapsed * settings.event_rate) - self._sent
            self._late_s = max(0.0, elapsed - self._sent / settings.event_rate)
        return max(0, min(BATCH, left, by_now))

    def _send(self, count: int, labels: TextIO) -> None:
        events = self._walks.events(self._times(count))
        self._sent += count
        self._sender.send(self._outage.apply(events) if self._outage else events)
        self._write(labels, self._walks.labels(events))

    def _times(self, count: int) -> Int64s:
        """Event time goes by the place in the stream, so that a run with a start given is the same on any day."""
        per_s = self._settings.event_rate or UNPACED_PER_S
        places_in_stream = np.arange(self._sent, self._sent + count, dtype=np.float64)
        return self._first_ms + (places_in_stream * (1000 / per_s)).astype(np.int64)

    def _write(self, labels: TextIO, found: Iterable[Label]) -> None:
        for label in found:
            labels.write(json.dumps(asdict(label)) + "\n")
            self._labels += 1


def _places(settings: EventSettings) -> Places | None:
    if not settings.event_positions:
        return None
    return places(settings.event_keys, settings.event_seed, settings.event_resolution)


def _outage(settings: EventSettings, where: Places | None, first_ms: int) -> Outage | None:
    if where is None or settings.event_outage_s is None:
        return None
    from_ms = first_ms + round(settings.event_outage_s * 1000)
    to_ms = from_ms + round(settings.event_outage_for_s * 1000)
    return Outage(int(where.cells[0]), from_ms, to_ms, settings.event_noise, where)
