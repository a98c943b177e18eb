"""A gate before a topic: what is written behind it becomes visible to read-committed readers at one instant.

It is an open transaction at the head of every partition. Readers see nothing from there on until it ends, so members
can start, join and share the partitions while the topic is being filled, and then all begin at the same moment.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from kafka_cluster import clients
from kafka_cluster.settings import KafkaSettings

TIMEOUT_S = 30.0
# How long it can stay closed: the broker ends it then. Its own limit is 900 s.
CLOSED_AT_MOST_S = 600


class Gate:
    """Closed from the start. `open`, or the end of the `with` block, lets the readers through."""

    def __init__(self, settings: KafkaSettings, partitions: int) -> None:
        topic = settings.metrics_topic
        config = {"transactional.id": f"gate-{topic}", "transaction.timeout.ms": CLOSED_AT_MOST_S * 1000}
        self._producer = clients.producer(settings, **config)
        self._producer.init_transactions(TIMEOUT_S)
        self._producer.begin_transaction()
        for partition in range(partitions):
            self._producer.produce(topic, b"", partition=partition)
        self._producer.flush(TIMEOUT_S)
        self._closed = True

    def open(self) -> None:
        """Let everything be seen that was written since. The gate's own records never are: it aborts."""
        if self._closed:
            self._producer.abort_transaction(TIMEOUT_S)
            self._producer.close()
            self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.open()
