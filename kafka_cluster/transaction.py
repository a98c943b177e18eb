"""One batch, one transaction: its outputs and the group's offsets become visible together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from kafka_cluster import clients, metrics
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.dead_letters import Header
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger
from kafka_cluster.member import MemberSettings
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.watchdog import Watchdog

TIMEOUT_S = 5.0
CALL_LIMIT_S = 8.0  # a call with that time-out returns before
RETRY_S = 0.5
ANY_PARTITION = -1  # the key decides
log = get_logger()


class Output(NamedTuple):
    """One record to write."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()
    partition: int = ANY_PARTITION  # given where the record has to lie beside others


class FencedError(LabError):
    """Another process with the same consumer id took over: this one must not write any more."""


class AbortedError(Exception):
    """Nothing was written; the batch has to be read again."""


class Transactions:
    """A transactional producer for this member. Its id is stable, so that a restart ends what was left open."""

    def __init__(self, settings: MemberSettings, clock: Clock, stop: Stop, meter: Meter = OFF) -> None:
        self._clock, self._stop, self._meter = clock, stop, meter
        self._watchdog = Watchdog(CALL_LIMIT_S, clock)
        self._producer: Producer = clients.producer(
            settings,
            **{
                "transactional.id": f"{settings.group}-{settings.consumer_id}",
                "transaction.timeout.ms": settings.transaction_timeout_ms,
            },
        )
        self._retrying(lambda: self._producer.init_transactions(TIMEOUT_S))

    def commit(self, consumer: Consumer, outputs: Sequence[Output], offsets: list[TopicPartition]) -> None:
        """Write all of it. Raises AbortedError when nothing was written, FencedError when nothing may be."""
        try:
            with self._meter.timed(metrics.TRANSACTION_SECONDS):
                self._write(consumer, outputs, offsets)
        except KafkaException as error:
            self._undo(error, offsets)
        self._meter.add(metrics.TRANSACTIONS, outcome="committed")

    def _write(self, consumer: Consumer, outputs: Sequence[Output], offsets: list[TopicPartition]) -> None:
        self._producer.poll(0)  # the client's own log comes out here
        self._producer.begin_transaction()
        for output in outputs:
            self._produce(output)
        group = consumer.consumer_group_metadata()
        self._retrying(lambda: self._producer.send_offsets_to_transaction(offsets, group, TIMEOUT_S))
        self._before_commit()
        self._retrying(lambda: self._producer.commit_transaction(TIMEOUT_S))

    def _before_commit(self) -> None:
        """Everything is written and nothing is decided: the worst moment to die, which `lab faults` chooses."""

    def close(self) -> None:
        """Leave the broker; an open transaction is left to be aborted."""
        self._watchdog.close()
        with suppress(KafkaException):  # a fenced producer says so once more
            self._producer.purge()
            self._producer.close()

    def _produce(self, output: Output) -> None:
        while True:
            try:
                self._producer.produce(
                    output.topic, output.value, output.key, output.partition, headers=list(output.headers)
                )
            except BufferError:  # librdkafka's queue is full: let it drain
                self._producer.poll(RETRY_S)
            else:
                return

    def _retrying(self, step: Callable[[], None]) -> None:
        """Take a step of the protocol again for as long as the broker is away; a stop request ends the wait."""
        while True:
            try:
                with self._watchdog.watched():
                    step()
            except KafkaException as error:
                cause = error.args[0]
                if not cause.retriable() or self._stop.requested:
                    raise
                self._producer.poll(0)
                log.warning("waiting for the broker", error=cause.str())
                self._clock.sleep(RETRY_S)
            else:
                return

    def _undo(self, error: KafkaException, offsets: list[TopicPartition]) -> NoReturn:
        cause = error.args[0]
        batch = {"topic": offsets[0].topic if offsets else None, "next_offsets": _by_partition(offsets)}
        if cause.fatal():
            log.error("transaction refused", **batch, error=cause.str())
            raise FencedError("transaction", cause.str(), "another process may have the same CONSUMER_ID") from None
        if not (cause.txn_requires_abort() or cause.retriable()):
            raise error
        log.warning("transaction undone", **batch, error=cause.str())
        self._retrying(lambda: self._producer.abort_transaction(TIMEOUT_S))
        self._meter.add(metrics.TRANSACTIONS, outcome="aborted")
        raise AbortedError


def _by_partition(offsets: list[TopicPartition]) -> dict[int, int]:
    return {one.partition: one.offset for one in offsets}
