"""Connections to some services, minute by minute: visitors as always, and four things that happen to the first four.

    flood         many times the usual connections, each from an address of its own, anywhere
    scan          one source asks for one port after the other, at a rate that nobody notices
    crowd         as many as in the flood, by people from where people always came from: no attack
    one source    one address connects as often as all others together, many times over

A service has visitors of NEIGHBOURHOODS neighbourhoods (256 addresses each), some much larger than others, who come at
random (Poisson) and ask for port 443.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

MINUTE_MS = 60_000
NEIGHBOURHOODS = 2_000
ADDRESSES = 256  # of a neighbourhood
PORT = 443
PORTS = 120  # that a scan tries a minute
TIMES = 15  # as many connections as usual
LASTS = 3  # minutes
USUAL_BYTES = 7.0  # natural logarithm of the median
KINDS = {"flood": 0.5, "scan": 0.6, "crowd": 0.7, "one source": 0.8}  # and when, as a share of the whole


class Connections(NamedTuple):
    """n connections in the order of their time."""

    services: Int64s
    sources: Int64s
    ports: Int64s
    sizes: Int64s  # bytes
    times_ms: Int64s


@dataclass(frozen=True)
class Label:
    """Something that was put in, from the first to before the last of its milliseconds."""

    service: str
    kind: str
    from_ms: int
    to_ms: int
    is_attack: bool


@dataclass(frozen=True)
class ConnectionPlan:
    """The same plan gives the same connections."""

    services: int
    per_minute: int
    minutes: int
    seed: int
    start_ms: int

    def labels(self) -> list[Label]:
        """What happens, in order."""
        return [self._label(service, kind) for service, kind in enumerate(KINDS)]

    def minute(self, number: int) -> Connections:
        """All connections of a minute, the first being number 0."""
        random = np.random.default_rng((self.seed, number))
        parts = [self._usual(random, service) for service in range(self.services)]
        begin_ms = self.start_ms + number * MINUTE_MS
        for service, label in enumerate(self.labels()):
            if label.from_ms <= begin_ms < label.to_ms:
                parts.append(self._strange(random, service, label.kind))
        columns = [np.concatenate(each) for each in zip(*parts, strict=True)]
        order = np.argsort(columns[3], kind="stable")
        services, sources, ports, times_ms = (column[order] for column in columns)
        sizes = np.exp(random.normal(USUAL_BYTES, 1.0, len(order))).astype(np.int64)
        return Connections(services, sources, ports, sizes, begin_ms + times_ms)

    def _label(self, service: int, kind: str) -> Label:
        begin = self.start_ms + int(KINDS[kind] * self.minutes) * MINUTE_MS
        return Label(name_of(service), kind, begin, begin + LASTS * MINUTE_MS, kind != "crowd")

    def _usual(self, random: np.random.Generator, service: int) -> tuple[Int64s, ...]:
        many = int(random.poisson(self.per_minute))
        return _part(random, service, self._visitors(random, service, many), np.full(many, PORT))

    def _strange(self, random: np.random.Generator, service: int, kind: str) -> tuple[Int64s, ...]:
        many = TIMES * self.per_minute
        attacker = np.int64(np.random.default_rng((self.seed, service)).integers(1 << 24, 1 << 32))
        if kind == "scan":
            return _part(random, service, np.full(PORTS, attacker), random.permutation(np.arange(1, 1 << 16))[:PORTS])
        if kind == "flood":
            sources = random.integers(1 << 24, 1 << 32, many)
        else:
            sources = self._visitors(random, service, many) if kind == "crowd" else np.full(many, attacker)
        return _part(random, service, sources, np.full(many, PORT))

    def _visitors(self, random: np.random.Generator, service: int, many: int) -> Int64s:
        homes = np.random.default_rng((self.seed, service, 1)).integers(1 << 16, 1 << 24, NEIGHBOURHOODS)
        chosen = homes[(NEIGHBOURHOODS * random.random(many) ** 2).astype(np.int64)]
        visitors: Int64s = chosen * ADDRESSES + random.integers(0, ADDRESSES, many)
        return visitors


def name_of(service: int) -> str:
    """Such as `service-3`."""
    return f"service-{service + 1}"


def _part(random: np.random.Generator, service: int, sources: Int64s, ports: Int64s) -> tuple[Int64s, ...]:
    """Connections of one service within a minute: services, sources, ports, ms from its begin."""
    n = len(sources)
    return np.full(n, service, np.int64), sources, ports.astype(np.int64), random.integers(0, MINUTE_MS, n)
