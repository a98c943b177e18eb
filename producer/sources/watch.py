"""Watching a live source: look at it at its pace, send what it has, wait for it while it is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kafka_cluster import metrics
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.log import get_logger
from kafka_cluster.meter import OFF, Meter
from producer.sources.source import Reading, Source, SourceAwayError

LONGEST_SLEEP_S = 0.5  # so that the heartbeat goes on and deliveries are answered
LONGEST_BACK_OFF_S = 60.0
EMPTY_LOOKS = 5  # without a record until that is said
CLOCK_BACK_MS = 60_000  # a clock set back by less is waited for; by more, its new time counts
log = get_logger()


class Sender(Protocol):
    """What takes the records; `MetricSender` in earnest."""

    delivered: int
    failed: int

    def send(self, key: str, time_ms: int, values: Sequence[float]) -> None:
        """Hand over one record."""

    def flush(self) -> None:
        """Wait until every record is answered."""


@dataclass(frozen=True)
class Watched:
    """What came of it."""

    delivered: int
    looks: int
    away: int  # times that the source went away
    left_out: int  # records whose clock had been set back


@dataclass
class Watch:
    """One source on its way to one topic."""

    source: Source
    sender: Sender
    every_s: float
    clock: Clock
    stop: Stop
    heartbeat: Heartbeat
    meter: Meter = OFF
    _looks: int = 0
    _away: int = 0
    _left_out: int = 0
    _empty: int = 0
    _failures: int = 0
    _since_s: float = 0.0
    _last_ms: dict[str, int] = field(default_factory=dict)

    @property
    def up(self) -> bool:
        """False while the source is away."""
        return self._failures == 0

    def run(self) -> Watched:
        """Until the stop is requested. Raises LabError for what no waiting mends, or when records were not delivered.

        Looks that were missed are not made up for: a look tells of its own instant.
        """
        try:
            self._look_again_and_again()
        finally:
            self.sender.flush()  # also what came before an error
        self._beat("stopped")
        return Watched(self.sender.delivered, self._looks, self._away, self._left_out)

    def _look_again_and_again(self) -> None:
        due = self.clock.monotonic()
        while self._wait_until(due):
            more = self._look()
            now = self.clock.monotonic()
            due = now if more else now + self._back_off_s() if self._failures else _next(due, self.every_s, now)

    def _wait_until(self, due: float) -> bool:
        """True when it is due; False when the stop is requested before."""
        while (left := due - self.clock.monotonic()) > 0 and not self.stop.requested:
            self._beat("source away" if self._failures else "watching")
            self.clock.sleep(min(left, LONGEST_SLEEP_S))
        return not self.stop.requested

    def _look(self) -> bool:
        """One look; True where there is more to be had at once."""
        self._looks += 1
        self.meter.add(metrics.SOURCE_LOOKS)
        try:
            readings = self.source.poll()
        except SourceAwayError as error:
            self._is_away(error)
            return False
        self._is_there()
        for reading in readings:
            self._send(reading)
        self._note_empty(empty=not readings)
        self._beat("watching")
        return self.source.behind

    def _is_away(self, error: SourceAwayError) -> None:
        if self._failures == 0:  # said once: the next that is said is that it answers again
            self._away += 1
            self._since_s = self.clock.monotonic()
            log.warning("source away", source=self.source.name, error=str(error))
        self._failures += 1
        self.meter.add(metrics.SOURCE_FAILURES)
        self._beat("source away")

    def _is_there(self) -> None:
        if self._failures:
            away_s = round(self.clock.monotonic() - self._since_s, 1)
            log.info("source answers again", source=self.source.name, away_s=away_s, attempts=self._failures)
        self._failures = 0

    def _back_off_s(self) -> float:
        """Twice as long each time, from the pace on, up to a minute (or the pace, where that is longer)."""
        doubled = self.every_s * 2.0 ** min(self._failures - 1, 16)
        return min(doubled, max(LONGEST_BACK_OFF_S, self.every_s))

    def _send(self, reading: Reading) -> None:
        last_ms = self._last_ms.get(reading.key, reading.time_ms - 1)
        if 0 <= last_ms - reading.time_ms < CLOCK_BACK_MS:
            if self._left_out == 0:
                log.warning("clock set back: records wait for it", by_s=(last_ms - reading.time_ms) / 1000)
            self._left_out += 1
            return
        self.sender.send(reading.key, reading.time_ms, reading.values)
        self._last_ms[reading.key] = reading.time_ms

    def _note_empty(self, *, empty: bool) -> None:
        if not empty and self._empty >= EMPTY_LOOKS:
            log.info("records again", source=self.source.name, looks_without=self._empty)
        self._empty = self._empty + 1 if empty else 0
        if self._empty == EMPTY_LOOKS:
            log.warning("no record so far: a metric is not known", source=self.source.name, looks=self._empty)

    def _beat(self, state: str) -> None:
        self.heartbeat.beat(
            state, source=self.source.name, up=self.up, delivered=self.sender.delivered,
            failed=self.sender.failed, away=self._away,
        )  # fmt: skip


def _next(due: float, every_s: float, now: float) -> float:
    """The next instant on the grid of `due` that is still to come."""
    return due + every_s * max(1, int((now - due) // every_s) + 1)
