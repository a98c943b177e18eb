"""The topic itself as the history: nothing is stored twice, and the last values are rebuilt by reading it again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from consumer_history.decode import EventDecoder
from consumer_history.settings import HistorySettings
from consumer_history.store import EventBatch, SavedState, StoreAwayError
from detectors.last_values import Snapshot
from kafka_cluster import clients
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.registry import Registry, RegistryAwayError

BATCH = 50_000
POLL_S = 0.02
# Always a batch ahead: left alone, the client fetches less, and looks again after a second.
AHEAD = {"queued.min.messages": 200_000, "queued.max.messages.kbytes": 65_536, "fetch.queue.backoff.ms": 5}
SILENCE_S = 10.0  # without a record: the broker counts as away
REQUEST_TIMEOUT_S = 10.0


class TopicLog:
    """A HistoryStore that the topic stands behind. Events older than its retention are gone."""

    def __init__(self, settings: HistorySettings, registry: Registry) -> None:
        self._settings, self._decoder = settings, EventDecoder(settings, registry)
        self.rows = 0

    def append(self, batch: EventBatch) -> None:
        """Nothing: what was read from the topic is in the topic."""

    def last(
        self,
        until: Mapping[int, int],
        depth: int,  # noqa: ARG002 - more may be given
        since: Mapping[int, int] | None = None,
    ) -> Iterator[EventBatch]:
        """Every event of the topic below `until`. Raises StoreAwayError."""
        for partition, end in until.items():
            yield from self._read(partition, (since or {}).get(partition, 0), end)

    def save(self, partition: int, offset: int, state: Snapshot) -> None:
        """Nothing is kept: this store writes nothing anywhere."""

    def saved(self, partition: int, until: int, depth: int) -> SavedState | None:  # noqa: ARG002 - the protocol's
        """None: see `save`."""
        return None

    def close(self) -> None:
        """Nothing is open."""

    def _read(self, partition: int, begin: int, end: int) -> Iterator[EventBatch]:
        topic, group = self._settings.events_topic, f"{self._settings.history_group}-rebuild-{uuid.uuid4()}"
        consumer = clients.consumer(self._settings, group, **AHEAD, **{"enable.partition.eof": True})
        try:
            low, _ = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=REQUEST_TIMEOUT_S)
            if max(low, begin) >= end:
                return
            consumer.assign([TopicPartition(topic, partition, max(low, begin))])
            silent_s = 0.0
            while True:
                messages = consumer.consume(BATCH, POLL_S)
                records = [message for message in messages if message.error() is None]
                if records:
                    events = self._decoder.decode(ConsumedBatch(topic, records)).batch
                    below = events.take(events.offsets < end)
                    if len(below):
                        yield below
                    if (records[-1].offset() or 0) >= end - 1:
                        return
                if any(_is_end(message.error()) for message in messages):
                    return
                silent_s = 0.0 if messages else silent_s + POLL_S
                if silent_s >= SILENCE_S:
                    raise StoreAwayError(f"topic {topic!r}", f"gives no record of partition {partition}")
        except (KafkaException, RegistryAwayError) as error:
            raise StoreAwayError(f"topic {topic!r}", str(error)) from None
        finally:
            consumer.close()


def _is_end(error: KafkaError | None) -> bool:
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own name
