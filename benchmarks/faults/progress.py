"""How far a group is, sampled all the time from a thread of its own: how long a blow holds it up is read off that."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException, TopicPartition

from kafka_cluster import clients
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.settings import KafkaSettings

SAMPLE_EVERY_S = 0.1
ASK_TIMEOUT_S = 2.0
Offsets = dict[int, int]  # by partition


class Progress:
    """A context in which the group's committed offsets are sampled; a broker that is away is asked again."""

    def __init__(self, settings: KafkaSettings, group: str, partitions: int, clock: Clock) -> None:
        self._clock = clock
        self._partitions = [TopicPartition(settings.metrics_topic, number) for number in range(partitions)]
        # Neither joins the group: they only ask.
        self._thread_client = clients.consumer(settings, group)
        self._client = clients.consumer(settings, group)
        self._stop = Stop()
        self._samples: list[tuple[float, Offsets]] = []
        self._thread = threading.Thread(target=self._sample, name="progress")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stop.request()
        self._thread.join()

    def close(self) -> None:
        """Leave the broker."""
        self._thread_client.close()
        self._client.close()

    def ends(self) -> Offsets | None:
        """The end offsets of the metrics topic as they are now; None while the broker does not say."""
        try:
            return {partition.partition: self._end(partition) for partition in self._partitions}
        except KafkaException:
            return None

    def reached(self, ends: Offsets, since: float = float("-inf")) -> float | None:
        """When, after `since`, the group was first seen to have committed all up to `ends`; None as long as it has not.

        Times are those of the clock's `monotonic`.
        """
        for at, committed in list(self._samples):
            if at >= since and all(committed.get(number, 0) >= end for number, end in ends.items()):
                return at
        return None

    def behind(self) -> str:
        """One line on where the group is, and where it should be."""
        at, committed = self._samples[-1] if self._samples else (float("nan"), {})
        age_s = self._clock.monotonic() - at
        return f"committed {committed} {age_s:.1f} s ago, the topic ends at {self.ends()}"

    def _end(self, partition: TopicPartition) -> int:
        return int(self._client.get_watermark_offsets(partition, timeout=ASK_TIMEOUT_S)[1])

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_EVERY_S):
            try:
                found = self._thread_client.committed(self._partitions, timeout=ASK_TIMEOUT_S)
            except KafkaException:
                continue  # no broker, no progress
            self._samples.append((self._clock.monotonic(), {one.partition: max(0, one.offset) for one in found}))
