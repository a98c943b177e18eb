"""The meter that serves: values by metric and labels, told to prometheus-client in its own words when it asks."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from kafka_cluster.meter import Float64s, Meter, Values
from kafka_cluster.metric_kinds import OTHER, Counter, Gauge, Histogram, Metric
from kafka_cluster.metrics import HEARTBEAT_TIMESTAMP_SECONDS, PROGRAM_INFO, VOCABULARY
from kafka_cluster.tally import tally

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
Read = Callable[[], float | None]


class _Tallies:
    """The buckets and the sum of one histogram."""

    def __init__(self, histogram: Histogram) -> None:
        self.bounds = np.array(histogram.buckets)
        self.counts = np.zeros(len(self.bounds) + 1, np.int64)
        self.sum = 0.0

    def family(self, histogram: Histogram) -> HistogramMetricFamily:
        family = HistogramMetricFamily(histogram.name, histogram.help)
        names = [*map(floatToGoString, histogram.buckets), "+Inf"]
        family.add_metric([], list(zip(names, np.cumsum(self.counts).tolist(), strict=True)), self.sum)
        return family


@dataclass
class _Numbers:
    """The values of one counter or gauge, those to be asked for, and which label values there were."""

    metric: Counter | Gauge
    held: dict[Values, float] = field(default_factory=dict)
    asked: dict[Values, Read] = field(default_factory=dict)
    seen: list[set[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.seen = [set(label.values) for label in self.metric.labels]
        if isinstance(self.metric, Counter):
            self.held = dict.fromkeys(self.metric.known, 0.0)

    def bounded(self, values: Values) -> Values:
        """The label values, or OTHER for each beyond its bound."""
        return tuple(map(self._bounded, range(len(self.seen)), values))

    def _bounded(self, at: int, value: str) -> str:
        label, seen = self.metric.labels[at], self.seen[at]
        if value not in seen:
            if label.values or len(seen) >= label.limit:
                return OTHER
            seen.add(value)
        return value

    def family(self, told: dict[Values, float | None]) -> Family:
        kind = CounterMetricFamily if isinstance(self.metric, Counter) else GaugeMetricFamily
        family = kind(self.metric.name, self.metric.help, labels=[label.name for label in self.metric.labels])
        for values, value in (self.held | told).items():
            if value is not None:
                family.add_metric(values, float(value))
        return family


class Exporter(Collector, Meter):
    """The metrics of one program, in a registry of its own: two programs of one process do not meet."""

    on = True

    def __init__(self, program: str, program_id: str = "") -> None:
        mine = [metric for metric in VOCABULARY if program in metric.by]
        if not mine:
            raise KeyError(program)
        self._lock = Lock()
        self.looks = 0  # how often somebody asked for all of it
        self._numbers = {one.name: _Numbers(one) for one in mine if isinstance(one, (Counter, Gauge))}
        self._tallies = {one.name: (one, _Tallies(one)) for one in mine if isinstance(one, Histogram)}
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        self.set(PROGRAM_INFO, 1, program=program, id=program_id or program)

    def text(self) -> str:
        """What a scrape gets."""
        return generate_latest(self.registry).decode()

    def collect(self) -> Iterator[Family]:
        """For the registry: every metric of this program, also those that have no value yet."""
        self.looks += 1
        for numbers in self._numbers.values():
            with self._lock:
                asked = dict(numbers.asked)
            told = {values: read() for values, read in asked.items()}  # without the lock: they may take others
            with self._lock:
                family = numbers.family(told)
            yield family
        for histogram, tallies in self._tallies.values():
            with self._lock:
                family = tallies.family(histogram)
            yield family

    def add(self, counter: Counter, amount: float = 1, **labels: str) -> None:
        """Count so much more. Raises ValueError for less than 0."""
        self.add_all(counter, {_values(counter, labels): amount})

    def add_all(self, counter: Counter, amounts: Mapping[Values, float]) -> None:
        """Count for several label values at once. Raises ValueError for less than 0."""
        with self._lock:
            numbers = self._numbers[counter.name]
            for given, amount in amounts.items():
                if amount < 0:
                    raise ValueError(f"{counter.name} cannot go down, by {amount}")
                values = numbers.bounded(given)
                numbers.held[values] = numbers.held.get(values, 0.0) + amount

    def set(self, gauge: Gauge, value: float, **labels: str) -> None:
        """What it is now."""
        with self._lock:
            numbers = self._numbers[gauge.name]
            numbers.held[numbers.bounded(_values(gauge, labels))] = value

    def replace(self, gauge: Gauge, values: Mapping[Values, float]) -> None:
        """What it is now for these label values, and no more for any other. Beyond its bound the largest stay."""
        limit = min((label.bound - 1 for label in gauge.labels), default=1)
        largest = sorted(values.items(), key=lambda item: -item[1])[:limit]
        with self._lock:
            self._numbers[gauge.name].held = dict(largest)

    def observe(self, histogram: Histogram, value: float) -> None:
        """One observation."""
        with self._lock:
            tallies = self._tallies[histogram.name][1]
            tallies.counts[bisect_left(histogram.buckets, value)] += 1
            tallies.sum += value

    def observe_all(self, histogram: Histogram, values: Float64s) -> None:
        """Many at once, shape (n,)."""
        tallies = self._tallies[histogram.name][1]
        counts, total = tally(values, tallies.bounds), float(values.sum())
        with self._lock:
            tallies.counts += counts
            tallies.sum += total

    @contextmanager
    def timed(self, histogram: Histogram) -> Iterator[None]:
        """Observes the seconds that the block took, also when it raised."""
        start_s = time.perf_counter()
        try:
            yield
        finally:
            self.observe(histogram, time.perf_counter() - start_s)

    def follow(self, metric: Counter | Gauge, read: Read, **labels: str) -> None:
        """Ask `read` whenever somebody looks, from a thread of its own; None: nothing to tell."""
        with self._lock:
            numbers = self._numbers[metric.name]
            numbers.asked[numbers.bounded(_values(metric, labels))] = read

    def beat(self, now_s: float) -> None:
        """The program's loop turned, at that time in seconds since the epoch."""
        self.set(HEARTBEAT_TIMESTAMP_SECONDS, now_s)


def _values(metric: Metric, labels: Mapping[str, str]) -> Values:
    """The labels' values in the metric's order. Raises KeyError unless exactly its labels are given."""
    if len(labels) != len(metric.labels):
        raise KeyError(f"{metric.name} has the labels {[label.name for label in metric.labels]}")
    return tuple([labels[label.name] for label in metric.labels])
