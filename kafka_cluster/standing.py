"""Where a member stands in its partitions, for its metrics: what it holds, how far behind it is."""

from __future__ import annotations

from collections.abc import Collection

from confluent_kafka import Consumer, TopicPartition

from kafka_cluster import metrics
from kafka_cluster.clock import Clock
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.meter import Meter

LOOK_EVERY_S = 1.0


class Standing:
    """Asks nobody: ends of partitions are what the client last heard with a fetch. One thread, the consumer's."""

    def __init__(self, consumer: Consumer, topic: str, clock: Clock, meter: Meter) -> None:
        self._consumer, self._topic, self._clock, self._meter = consumer, topic, clock, meter
        self._next: dict[int, int] = {}  # by partition held: the first offset that is not committed
        self._newest_s: dict[int, float] = {}  # … and the broker's time on the record before it
        self._next_look = float("-inf")
        meter.set(metrics.CONSUMER_PARTITIONS, 0)

    def begins(self, partition: int, offset: int) -> None:
        """A partition was gained, committed up to `offset`; below 0 where it begins is not known yet."""
        self.ends({partition})
        if offset >= 0:
            self._next[partition] = offset

    def ends(self, partitions: Collection[int]) -> None:
        """Partitions were given up."""
        for partition in partitions:
            self._next.pop(partition, None)
            self._newest_s.pop(partition, None)

    def rebalanced(self, held: Collection[int]) -> None:
        """Partitions came or went; these are held now."""
        self._meter.add(metrics.CONSUMER_REBALANCES)
        self._meter.set(metrics.CONSUMER_PARTITIONS, len(held))
        self._next_look = float("-inf")

    def committed(self, batch: ConsumedBatch, held: Collection[int]) -> None:
        """A batch was committed, in those of its partitions that are held."""
        if not self._meter.on:
            return
        for partition, row in batch.lasts.items():
            if partition in held:
                self._next[partition] = batch.address(row)[1] + 1
                if (appended_ms := batch.appended_ms(row)) is not None:
                    self._newest_s[partition] = appended_ms / 1000
        self._meter.observe(metrics.CONSUMER_BATCH_RECORDS, len(batch))
        if (newest := max((self._newest_s.get(one, 0.0) for one in batch.lasts), default=0.0)) > 0:
            self._meter.observe(metrics.CONSUMER_DELAY_SECONDS, max(0.0, self._clock.now() - newest))

    def look(self, at_end: Collection[int] = ()) -> None:
        """Tell the lag, at most once in LOOK_EVERY_S; called as often as one likes.

        `at_end` are partitions known to be read to their end: what still stands before it marks ends of transactions.
        """
        if not self._meter.on or self._clock.monotonic() < self._next_look:
            return
        self._next_look = self._clock.monotonic() + LOOK_EVERY_S
        records = {
            partition: 0 if partition in at_end else self._behind(partition, offset)
            for partition, offset in self._next.items()
        }
        known = {partition: behind for partition, behind in records.items() if behind is not None}
        ages = {partition: self._age_s(partition) if behind else 0.0 for partition, behind in known.items()}
        self._meter.replace(metrics.CONSUMER_LAG_RECORDS, {(str(one),): behind for one, behind in known.items()})
        self._meter.replace(
            metrics.CONSUMER_LAG_SECONDS, {(str(one),): age for one, age in ages.items() if age is not None}
        )

    def _behind(self, partition: int, offset: int) -> int | None:
        found = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
        return None if found is None or found[1] < 0 else max(0, found[1] - offset)

    def _age_s(self, partition: int) -> float | None:
        newest = self._newest_s.get(partition)
        return None if newest is None else max(0.0, self._clock.now() - newest)
