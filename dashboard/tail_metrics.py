"""Follows the metrics topic: all of it while it can be kept up with, samples of it beyond."""

from __future__ import annotations

from collections.abc import Iterator

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, TopicPartition

from dashboard.board import Board
from dashboard.settings import DashboardSettings
from kafka_cluster import clients
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.codec import MetricDecoder
from kafka_cluster.consumed import ConsumedBatch, records_of
from kafka_cluster.read_topic import partitions_of
from kafka_cluster.registry import Registry, UnknownSchemaError, subject_of
from kafka_cluster.schemas import TIMESTAMP, AvroSchema

NAME = "dashboard"  # of the group that is never joined and commits nothing
TURN_S = 0.05
LOOK_EVERY_S = 1.0  # at how far behind it is
PARTITIONS_EVERY_S = 30.0
BEHIND_S = 2.0  # so far behind is too far: skip to the end
REQUEST_TIMEOUT_S = 10.0
NUMBERS = {"int", "long", "float", "double"}


class MetricsTail:
    """One life of the consumer: from its connection to its first error. `places` outlive it: nothing is read twice."""

    def __init__(
        self,
        settings: DashboardSettings,
        registry: Registry,
        board: Board,
        clock: Clock,
        stop: Stop,
        places: dict[int, int],
    ) -> None:
        self._settings, self._board, self._clock, self._stop = settings, board, clock, stop
        self._topic = settings.metrics_topic
        self._turn = max(1, int(settings.dashboard_rate * TURN_S))
        metrics = settings.metrics or registered_metrics(registry, self._topic)
        self._decoder = MetricDecoder(registry, metrics, subject=subject_of(self._topic))
        self._decoder.warm()
        board.begin(metrics)
        small = {"queued.min.messages": 1_000, "queued.max.messages.kbytes": 4_096}
        self._consumer: Consumer = clients.consumer(settings, NAME, **small)
        self._next = places  # by partition, the offset after the last record that was seen
        self._assigned: set[int] = set()
        self._seen = 0
        self._share = Share()

    def follow(self) -> None:
        """Until the stop is requested. Raises KafkaException, LabError."""
        try:
            self._assign()
            next_look = self._clock.monotonic()
            next_partitions = next_look + PARTITIONS_EVERY_S
            while not self._stop.requested:
                self._take_a_turn()
                self._board.trouble("records", None)
                now = self._clock.monotonic()
                if now >= next_look:
                    next_look = now + LOOK_EVERY_S
                    self._catch_up()
                if now >= next_partitions:
                    next_partitions = now + PARTITIONS_EVERY_S
                    self._assign()
        finally:
            self._consumer.close()

    def _assign(self) -> None:
        """Begin each partition that is new where its share of the points is left before the end."""
        numbers = set(partitions_of(self._consumer, self._topic))
        if numbers == self._assigned:
            return
        share = self._settings.dashboard_points // len(numbers)
        for number in numbers - self._next.keys():
            low, high = self._consumer.get_watermark_offsets(TopicPartition(self._topic, number), REQUEST_TIMEOUT_S)
            self._next[number] = max(low, high - share)
        self._consumer.assign([TopicPartition(self._topic, number, self._next[number]) for number in numbers])
        self._assigned = numbers

    def _take_a_turn(self) -> None:
        """A small batch at a steady pace, so that the work a second is bounded whatever comes in."""
        began = self._clock.monotonic()
        history = self._seen < self._settings.dashboard_points
        records = records_of(self._consumer.consume(4_000 if history else self._turn, TURN_S))
        if records:
            batch = ConsumedBatch(self._topic, records)
            columns = self._decoder.decode(batch.values)
            rows = columns.rows.tolist()
            keys = [(batch.key(row) or b"").decode(errors="replace") for row in rows]
            partitions = [batch.address(row)[0] for row in rows]
            if rows:
                self._board.take(keys, partitions, columns.times_ms, columns.values, whole=history)
            kind, at_ms = records[-1].timestamp()
            if kind == TIMESTAMP_LOG_APPEND_TIME:
                self._board.newest_s = at_ms / 1000
            self._seen += len(batch)
            self._next.update({one.partition: one.offset for one in batch.nexts()})
        if not history:
            self._stop.wait(max(0.0, began + TURN_S - self._clock.monotonic()))

    def _catch_up(self) -> None:
        """Skip to the end in each partition that is more behind than can be made good soon; say what share is seen."""
        skipped = 0
        for number, _, high in self._watermarks():
            behind = high - self._next[number]
            if behind > self._settings.dashboard_points + BEHIND_S * self._settings.dashboard_rate / len(
                self._assigned
            ):
                target = high - self._turn
                skipped += target - self._next[number]
                self._next[number] = target
                self._consumer.seek(TopicPartition(self._topic, number, target))
        self._board.looked_at = self._share.note(self._seen, skipped)

    def _watermarks(self) -> Iterator[tuple[int, int, int]]:
        for number in self._assigned:
            partition = TopicPartition(self._topic, number)
            found = self._consumer.get_watermark_offsets(partition, cached=True)
            if found is not None:
                yield number, *found


class Share:
    """Which share of the records was looked at lately: what is long ago counts less and less."""

    FADES = 0.8  # so much of what was counted is left at the next note

    def __init__(self) -> None:
        self._seen_before = 0
        self._seen = self._skipped = 0.0

    def note(self, seen: int, skipped: int) -> float:
        """`seen` so many in all, `skipped` so many since the last note; the share, in (0, 1]."""
        self._seen = self._seen * self.FADES + seen - self._seen_before
        self._seen_before = seen
        self._skipped = self._skipped * self.FADES + skipped
        if self._skipped < 1:
            self._skipped = 0.0
        return 1.0 if self._skipped == 0 else max(self._seen, 1.0) / (max(self._seen, 1.0) + self._skipped)


def registered_metrics(registry: Registry, topic: str) -> tuple[str, ...]:
    """The numbers of the newest registered record, in its order. Raises UnknownSchemaError where none is registered."""
    for schema in registry.versions(subject_of(topic)):
        names = tuple(one["name"] for one in schema.get("fields", []) if _is_metric(one))
        if names:
            return names
    raise UnknownSchemaError(f"topic {topic!r}", "its schema has no numbers", "METRICS names them")


def _is_metric(field: AvroSchema) -> bool:
    branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
    names = {one.get("type") if isinstance(one, dict) else one for one in branches}
    return field["name"] != TIMESTAMP and bool(names & NUMBERS)
