"""Reading the metrics topic from its beginning to offsets that are fixed beforehand: no guess by time-out."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from consumer_training.rows import Newest, Rows
from consumer_training.settings import TrainingSettings
from kafka_cluster import clients, metrics
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.codec import MetricDecoder
from kafka_cluster.errors import LabError
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.log import get_logger
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.registry import RegistryAwayError
from kafka_cluster.tracing import NO_SPAN, Span, extract

BATCH = 10_000
POLL_S = 0.2
RETRY_S = 1.0
REQUEST_TIMEOUT_S = 10.0
SAY_EVERY_S = 5.0
MOST_LINKS = 32
log = get_logger()


class StoppedError(LabError):
    """The program was asked to stop before the training part was read; nothing was written."""


class TopicReader:
    """Every record of the metrics topic, once, each batch decoded into columns as it comes."""

    def __init__(
        self,
        settings: TrainingSettings,
        decoder: MetricDecoder,
        clock: Clock,
        stop: Stop,
        heartbeat: Heartbeat,
        meter: Meter = OFF,
        span: Span = NO_SPAN,
    ) -> None:
        self._topic = settings.metrics_topic
        self._decoder, self._clock, self._stop, self._heartbeat = decoder, clock, stop, heartbeat
        # The end of a partition is an event of its own, since control records have offsets that no message shows.
        eof = {"enable.partition.eof": True}
        self._consumer: Consumer = clients.consumer(settings, settings.training_group, **eof)
        self.read_to: dict[int, int] = {}  # by partition: the offset after the last one seen
        self.newest = newest = Newest(len(settings.metrics), settings.training_max_rows)
        self._meter, self._span, self._links = meter, span, MOST_LINKS
        meter.follow(metrics.TRAINING_RECORDS, lambda: newest.seen)
        meter.follow(metrics.TRAINING_REJECTED, newest.rejected.total)
        self._said = float("-inf")

    def __enter__(self) -> Self:
        partitions = self._consumer.list_topics(self._topic, timeout=REQUEST_TIMEOUT_S).topics[self._topic]
        if partitions.error is not None:
            raise LabError(f"topic {self._topic!r}", partitions.error.str(), "make it with `lab topics`")
        self.read_to = dict.fromkeys(partitions.partitions, 0)
        self._consumer.assign([TopicPartition(self._topic, number, OFFSET_BEGINNING) for number in self.read_to])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def read_to_end(self) -> None:
        """Read to the end offsets of this moment. Raises StoppedError."""
        ends = {number: self._end(number) for number in self.read_to}
        while any(self.read_to[number] < end for number, end in ends.items()):
            self._take(self._consumer.consume(BATCH, POLL_S))

    def read_until(self, rows: int) -> None:
        """Read until `rows` records were seen, usable or not, then on to the end offsets of that moment.

        The second half matters: partitions are read at different speeds, and the first `rows` records in event
        time may lie behind others. Raises StoppedError.
        """
        while self.newest.seen + self.newest.rejected.total() < rows:
            self._say(rows)
            self._take(self._consumer.consume(BATCH, POLL_S))
        self.read_to_end()

    def _end(self, partition: int) -> int:
        at = TopicPartition(self._topic, partition)
        low, high = self._consumer.get_watermark_offsets(at, timeout=REQUEST_TIMEOUT_S)
        self.read_to[partition] = max(self.read_to[partition], int(low))
        return int(high)

    def _take(self, messages: list[Message]) -> None:
        if self._stop.requested:
            raise StoppedError("training", f"stopped after {self.newest.seen} records", "nothing was written")
        self._heartbeat.beat("reading", records=self.newest.seen)
        good = [message for message in messages if not self._is_event(message)]
        if not good:
            return
        self._link(good)
        self._collect(good)
        for message in good:
            self.read_to[int(message.partition() or 0)] = int(message.offset() or 0) + 1

    def _is_event(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return False
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name for it
            self.read_to[int(message.partition() or 0)] = int(message.offset() or 0)
            return True
        if error.retriable() or error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - the same
            return True  # librdkafka reconnects by itself; the client's own error log has told it
        raise LabError(f"topic {self._topic!r}", error.str())

    def _collect(self, messages: list[Message]) -> None:
        columns = None
        while columns is None:
            try:
                columns = self._decoder.decode([message.value() for message in messages])
            except RegistryAwayError as error:
                log.warning("waiting for the Schema Registry", error=str(error))
                self._clock.sleep(RETRY_S)
                self._meter.add(metrics.WAIT_SECONDS, RETRY_S, what="registry")
                if self._stop.requested:
                    raise
        partitions = np.asarray([message.partition() for message in messages], np.int64)[columns.rows]
        offsets = np.asarray([message.offset() for message in messages], np.int64)[columns.rows]
        self.newest.add(Rows(columns.times_ms, columns.values, partitions, offsets))
        self.newest.rejected.update(f"{rejected.error}: {rejected.reason}" for rejected in columns.rejected)

    def _link(self, messages: list[Message]) -> None:
        """The run has to do with the traced records that it reads: the first of them are enough to tell."""
        for message in messages if self._span.context is not None and self._links else ():
            came = extract(message.headers())
            if came is not None and came.sampled and self._links:
                self._span.link(came)
                self._links -= 1

    def _say(self, rows: int) -> None:
        if self._clock.monotonic() - self._said >= SAY_EVERY_S:
            self._said = self._clock.monotonic()
            log.info("waiting for records", seen=self.newest.seen, needed=rows)
