"""This machine as a source: processor, memory, load, disks, network.

| metric | unit | is |
|---|---|---|
| cpu | % | busy time of all cores together since the last look; waiting for a disk is idle |
| memory | % | memory that is not available |
| swap | % | swap space in use |
| load | processes | that run or wait, mean over a minute |
| disk, disk_read, disk_write | bytes/s | of all disks: both directions, read, written |
| network, network_in, network_out | bytes/s | of all interfaces that lead somewhere else |
| loopback | bytes/s | through the interface to itself |

Counted things are rates between two looks (see `rates`): the first look gives no record, nor does one after the clock
jumped, after a pause, or in which a counter fell. A disk or an interface that has just come begins to count with the
next look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import psutil

from kafka_cluster.clock import Clock
from kafka_cluster.errors import LabError
from producer.sources.machine import Machine, ThisMachine, Traffic
from producer.sources.rates import Rates, Steadiness
from producer.sources.source import Reading, SourceAwayError

UNITS = {
    "cpu": "%", "memory": "%", "swap": "%", "load": "", "disk": "B/s", "disk_read": "B/s", "disk_write": "B/s",
    "network": "B/s", "network_in": "B/s", "network_out": "B/s", "loopback": "B/s",
}  # fmt: skip
PERCENT = 100.0
Devices = Callable[[], Mapping[str, Traffic]]


class HostSource:
    """One record a look, keyed by the machine's name."""

    behind = False

    def __init__(
        self, key: str, metrics: Sequence[str], every_s: float, clock: Clock, machine: Machine | None = None
    ) -> None:
        self.metrics, self.name = tuple(metrics), f"host {key}"
        self._key, self._clock, self._machine = key, clock, machine or ThisMachine()
        self._rates, self._steadiness = Rates(every_s), Steadiness(clock, every_s)
        _check(self.metrics, self._machine)

    def poll(self) -> list[Reading]:
        """One record, or none where a rate is not known. Raises SourceAwayError when the machine does not tell."""
        if self._steadiness.jumped():
            self._rates.forget()
        self._rates.begin_look()
        time_ms = round(self._clock.now() * 1000)
        try:
            values = [self._value(metric) for metric in self.metrics]
        except (OSError, psutil.Error) as error:
            raise SourceAwayError(self.name, f"does not tell its metrics ({error})") from None
        known = tuple(value for value in values if value is not None)
        return [Reading(self._key, time_ms, known)] if len(known) == len(values) else []

    def close(self) -> None:
        """There is nothing to let go of."""

    def _value(self, metric: str) -> float | None:
        machine = self._machine
        match metric:
            case "cpu":
                return self._busy_percent()
            case "memory":
                return machine.memory_percent()
            case "swap":
                return machine.swap_percent()
            case "load":
                return machine.load()
        kind, _, direction = metric.partition("_")
        devices: Devices = {"disk": machine.disks, "network": machine.networks, "loopback": machine.loopback}[kind]
        return self._bytes_s(metric, devices(), direction)

    def _busy_percent(self) -> float | None:
        work, now = self._machine.work(), self._clock.monotonic()
        busy = self._rates.per_second("busy", work.busy_s, now)
        total = self._rates.per_second("total", work.total_s, now)
        # The kernel counts ticks of 10 ms: between two looks that are too close none may have passed.
        return None if busy is None or not total else min(PERCENT, PERCENT * busy / total)

    def _bytes_s(self, metric: str, devices: Mapping[str, Traffic], direction: str) -> float | None:
        now, sums = self._clock.monotonic(), []
        for name, traffic in devices.items():
            is_new = not self._rates.seen_before((metric, name))
            rate = self._rates.per_second((metric, name), _count(traffic, direction), now)
            if rate is not None:
                sums.append(rate)
            elif not is_new:  # it fell, or is too long ago: without it the sum would be too low
                return None
        return sum(sums) if sums else None


def available(machine: Machine | None = None) -> tuple[str, ...]:
    """The metrics that a machine can tell."""
    of = machine or ThisMachine()
    lacking = {"disk": not of.disks(), "network": not of.networks(), "loopback": not of.loopback()}
    return tuple(name for name in UNITS if not lacking.get(name.partition("_")[0]))


def _count(traffic: Traffic, direction: str) -> int:
    match direction:
        case "in" | "read":
            return traffic.in_bytes
        case "out" | "write":
            return traffic.out_bytes
    return traffic.in_bytes + traffic.out_bytes


def _check(metrics: tuple[str, ...], machine: Machine) -> None:
    can = available(machine)
    for metric in metrics:
        if metric not in can:
            reason = "is not told by this machine" if metric in UNITS else "is no metric of a host"
            raise LabError(f"metric {metric!r}", reason, f"METRICS may name {', '.join(can)}")
