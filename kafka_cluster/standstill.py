"""Holding still without leaving the group: partitions are paused, rebalances go on, and it is said once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, TopicPartition

from kafka_cluster.clock import Clock, Stop
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger
from kafka_cluster.membership import Membership
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.metrics import WAIT_SECONDS
from kafka_cluster.registry import HttpRegistry, RegistryAwayError

TRY_AGAIN_S = 1.0
TURN_EVERY_S = 0.2  # of long work: how often the group hears of this member
log = get_logger()


class Standstill:
    """What the loop does while it cannot, or must not, take records."""

    def __init__(self, consumer: Consumer, clock: Clock, beat: Callable[[str], None], meter: Meter = OFF) -> None:
        self._consumer, self._clock, self._beat, self._meter = consumer, clock, beat, meter
        self._since_s: float | None = None
        self._turned_s = float("-inf")

    @contextmanager
    def until_done(self) -> Iterator[Standstill]:
        """Inside, `wait` and `turn` keep all partitions paused; at the end they give records again."""
        try:
            yield self
        finally:
            if self._since_s is not None:
                log.info("going on", after_s=round(self._clock.monotonic() - self._since_s, 1))
            if self._turned_s > float("-inf"):
                self._consumer.resume(self._consumer.assignment())
            self._since_s, self._turned_s = None, float("-inf")

    def until_ready(self, registry: HttpRegistry, stop: Stop, error: RegistryAwayError, **where: object) -> None:
        """The records may be fine: hold still until the Schema Registry answers, or the stop is requested."""
        with self.until_done():
            while not stop.requested and not registry.ready():
                self.wait("waiting for the Schema Registry", error, **where)

    def until_rebuilt(
        self, membership: Membership, stop: Stop, forget: Callable[[], set[int]], rebuild: Callable[[int, int], bool]
    ) -> None:
        """Returns when every partition held has its state, or when the stop is requested.

        `forget` drops the states of partitions that were given up, and names them. `rebuild` makes the state of a
        partition as of its committed offset; False when it is not whole, and to be begun again.
        """
        forget()
        if not membership.new:
            return
        with self.until_done():
            while membership.new and not stop.requested:
                partition, offset = next(iter(membership.new.items()))
                whole = rebuild(partition, offset)
                if partition in forget() or not whole:
                    continue  # it went meanwhile, and may be back at another offset
                del membership.new[partition]

    def wait(self, state: str, error: LabError, **where: object) -> None:
        """Something is away: say so, and `where`, when it is news, and wait a little before it is asked again."""
        if self._since_s is None:
            self._since_s = self._clock.monotonic()
            paused = sorted(one.partition for one in self._consumer.assignment())
            log.warning(state, **where, paused=paused, error=str(error))
        self._turn(state)
        self._clock.sleep(TRY_AGAIN_S)
        self._meter.add(WAIT_SECONDS, TRY_AGAIN_S, what="registry" if isinstance(error, RegistryAwayError) else "store")

    def turn(self, state: str) -> None:
        """Work that takes long goes on; called as often as one likes."""
        if self._clock.monotonic() - self._turned_s >= TURN_EVERY_S:
            self._turn(state)

    def _turn(self, state: str) -> None:
        self._turned_s = self._clock.monotonic()
        self._beat(state)
        self._consumer.pause(self._consumer.assignment())
        stray = self._consumer.poll(0)  # for the rebalances: a paused partition gives no record …
        if stray is not None and stray.error() is None:  # … one that was assigned in this very call might
            topic, partition, offset = stray.topic(), stray.partition(), stray.offset()
            assert topic is not None and partition is not None and offset is not None  # noqa: S101,PT018 - a record has them
            self._consumer.seek(TopicPartition(topic, partition, offset))
