"""The connections of one partition under watch: columns in, anomalies out. Knows no Kafka client."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from consumer_traffic.settings import TrafficSettings
from detectors.key_names import KeyNames
from detectors.traffic import DETECTOR, Connections, Traffic
from detectors.traffic_kernel import COUNT, ENTROPY, KNOWN, PORTS, SOURCES, TOP
from detectors.traffic_spot import FLOOD, MOST, MUCH, SCAN, SURGE, Spotted
from kafka_cluster.records import Anomaly, Direction, Evidence, Severity, anomaly_id

THRESHOLD = 0.5
MEDIUM_FROM, HIGH_FROM = THRESHOLD + (1 - THRESHOLD) / 3, THRESHOLD + (1 - THRESHOLD) * 2 / 3
IPV4 = 1 << 32
# What is told of a window, and how; the deciding one comes first.
FACTS = {
    COUNT: "connections", SOURCES: "sources", PORTS: "ports_of_one_source", TOP: "share_of_busiest_source",
    KNOWN: "share_of_known_neighbourhoods", ENTROPY: "entropy_of_sources",
}  # fmt: skip


class Found(NamedTuple):
    """An anomaly, and the key to write it under."""

    key: bytes
    anomaly: Anomaly


class Watch:
    """What is known about a partition, from the first record that was read of it."""

    def __init__(self, settings: TrafficSettings, partition: int, judged_from: int) -> None:
        """Connections before the offset `judged_from` are learned from, and nothing is said of them."""
        self._topic, self._partition, self.judged_from = settings.connections_topic, partition, judged_from
        self._version = f"window={settings.traffic_window_ms}ms lateness={settings.traffic_lateness_ms}ms"
        self._traffic = Traffic(
            settings.traffic_window_ms, settings.traffic_lateness_ms, settings.traffic_remember, settings.traffic_limit
        )
        self._names = KeyNames()

    @property
    def dropped(self) -> int:
        """Connections that came too late for their window."""
        return self._traffic.dropped

    def observe(self, came: Connections, name: Callable[[int], bytes]) -> list[Found]:
        """Take note of connections in order; `name` is the service of a row."""
        _, new = self._names.note(came.targets)
        for row in new.tolist():
            self._names.add(name(row))
        at = int(np.searchsorted(came.addresses, self.judged_from))
        if at:
            self._traffic.observe(Connections(*(column[:at] for column in came)))
        return [self._found(one) for one in self._traffic.observe(Connections(*(column[at:] for column in came)))]

    def _found(self, one: Spotted) -> Found:
        key, detector = self._names.find(one.target), f"{DETECTOR}/{one.kind}"
        anomaly = Anomaly(
            id=anomaly_id(self._topic, self._partition, one.address, one.end_ms, detector),
            topic=self._topic,
            partition=self._partition,
            offset=one.address,
            key=key.decode(errors="replace"),
            timestamp=one.end_ms,
            detector=detector,
            model_version=self._version,
            score=one.score,
            threshold=THRESHOLD,
            severity=severity(one),
            evidence=evidence(one),
            reason=reason(one),
        )
        return Found(key, anomaly)


def severity(one: Spotted) -> Severity:
    """Of an attack by its score; a surge is no attack, and LOW."""
    if one.kind == SURGE or one.score < MEDIUM_FROM:
        return Severity.LOW
    return Severity.HIGH if one.score >= HIGH_FROM else Severity.MEDIUM


def evidence(one: Spotted) -> tuple[Evidence, ...]:
    """All numbers of the window next to the usual ones; the one that decided has the whole contribution."""
    deciding = PORTS if one.kind == SCAN else COUNT
    order = [deciding, *(column for column in FACTS if column != deciding)]
    return tuple(
        Evidence(
            FACTS[column],
            float(one.observed[column]),
            float(one.usual[column]),
            float(column == deciding),
            _direction(float(one.observed[column]), float(one.usual[column])),
        )
        for column in order
    )


def reason(one: Spotted) -> str:
    """The finding in a sentence, with the address where one source stands out."""
    if one.kind == SCAN or (one.kind == FLOOD and one.observed[TOP] >= MOST):
        return f"{one.sentence}; from {address(one.source)}"
    return one.sentence


def address(source: int) -> str:
    """As people write it: an IPv4 address, or the first 48 bits of an IPv6 one."""
    if 0 <= source < IPV4:
        return str(ipaddress.IPv4Address(source))
    return str(ipaddress.IPv6Network(((source % (1 << 48)) << 80, 48)))


def _direction(observed: float, usual: float) -> Direction:
    if observed >= MUCH * usual and observed > 0:
        return Direction.ABOVE
    return Direction.BELOW if MUCH * observed <= usual else Direction.USUAL
