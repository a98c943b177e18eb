"""What this member of the group holds, said whenever it changes."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from consumer_prediction.champion import Champion
from consumer_prediction.panels import Panels
from consumer_prediction.settings import PredictionSettings
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.committed import committed
from kafka_cluster.log import get_logger
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.standing import Standing

REQUEST_TIMEOUT_S = 5.0
ASK_EVERY_S = 10.0
log = get_logger()


class Membership:
    """Rebalance callbacks of the group's consumer. `held` are the partitions that this member may commit for."""

    def __init__(
        self,
        settings: PredictionSettings,
        consumer: Consumer,
        admin: AdminClient,
        panels: Panels,
        clock: Clock,
        stop: Stop,
        meter: Meter = OFF,
    ) -> None:
        self._settings, self._consumer, self._admin, self._panels = settings, consumer, admin, panels
        self._clock, self._stop = clock, stop
        self.standing = Standing(consumer, settings.metrics_topic, clock, meter)
        self._champion: Champion | None = None
        self._next_question = float("-inf")
        self._said_idle = False
        self._lost: set[int] = set()  # since the last batch, also where they have come back
        self._began: dict[int, int] = {}  # by partition held, the offset at which reading began
        self.held: set[int] = set()

    def join(self, champion: Champion) -> None:
        """Join the group. Where it has committed nothing, reading starts where the champion's training data ended."""
        self._champion = champion
        self._next_question = self._clock.monotonic() + ASK_EVERY_S
        self._consumer.subscribe(
            [self._settings.metrics_topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def still_held(self, records: list[Message]) -> list[Message]:
        """The records of a batch that are this member's to score.

        A rebalance inside the call that gave the batch may have taken partitions whose records are already in it. One
        that has come back begins again where it was committed: in the batch may be records of it from before, which
        will be read again.
        """
        if not self._lost:
            return records
        lost, self._lost = self._lost, set()
        topic = self._settings.metrics_topic
        for partition in sorted(lost & self.held):
            again = TopicPartition(topic, partition, self._began[partition])
            self._consumer.incremental_unassign([again])
            self._consumer.incremental_assign([again])
        return [record for record in records if record.partition() in self.held - lost]

    @property
    def unbroken(self) -> set[int]:
        """Partitions held without a break since the last batch: nobody else can have gone on in them."""
        return self.held - self._lost

    def has_all(self, partition: int, offset: int) -> bool:
        """Whether the broker answers, and has nothing in this partition from that offset on."""
        try:
            where = TopicPartition(self._settings.metrics_topic, partition)
            _, end = self._consumer.get_watermark_offsets(where, timeout=REQUEST_TIMEOUT_S)
        except KafkaException as error:
            log.warning("end of a partition not known", partition=partition, error=str(error))
            return False
        return int(end) <= offset

    def say_when_idle(self) -> None:
        """A member without a partition asks how large the group is, and says why it has nothing to do."""
        if self.held or self._said_idle or self._clock.monotonic() < self._next_question:
            return
        self._next_question = self._clock.monotonic() + ASK_EVERY_S
        try:
            members, partitions = self._members(), self._partitions()
        except KafkaException as error:
            log.warning("group not described", error=str(error))
            return
        self._said_idle = members > partitions
        if self._said_idle:
            log.warning(
                "more members than partitions: this one waits as a spare", members=members, partitions=partitions
            )

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in committed(consumer, partitions, self._clock, self._stop):
            if partition.offset < 0:
                partition.offset = self._first_offset(partition.partition)
            self.standing.begins(partition.partition, partition.offset)
            partition.offset = self._panels.begin(partition.partition, partition.offset, partition.metadata)
            self._began[partition.partition] = partition.offset
            consumer.incremental_assign([partition])
        gained = {partition.partition for partition in partitions}
        self.held |= gained
        self.standing.rebalanced(self.held)
        self._said_idle = False
        self._next_question = self._clock.monotonic()
        if gained or not self.held:
            log.info("partitions", holds=sorted(self.held), gained=sorted(gained))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(partitions)
        self._drop("partitions", partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(partitions)
        self._drop("partitions lost to the group", partitions)

    def _drop(self, event: str, partitions: list[TopicPartition]) -> None:
        given = {partition.partition for partition in partitions}
        for partition in given:
            self._panels.forget(partition)
        self.held -= given
        self._lost |= given
        self.standing.ends(given)
        self.standing.rebalanced(self.held)
        log.info(event, holds=sorted(self.held), given_up=sorted(given))

    def _first_offset(self, partition: int) -> int:
        if self._settings.prediction_start == "earliest" or self._champion is None:
            return int(OFFSET_BEGINNING)
        if self._settings.prediction_start == "latest":
            return int(OFFSET_END)
        # A partition that is newer than the model has no training data in it.
        return self._champion.next_offsets.get(partition, int(OFFSET_BEGINNING))

    def _members(self) -> int:
        group = self._settings.prediction_group
        future: Future[Any] = self._admin.describe_consumer_groups([group], request_timeout=REQUEST_TIMEOUT_S)[group]
        return len(future.result().members)

    def _partitions(self) -> int:
        topic = self._settings.metrics_topic
        return len(self._admin.list_topics(topic, timeout=REQUEST_TIMEOUT_S).topics[topic].partitions)
