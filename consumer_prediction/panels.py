"""The keyed detectors at work: a panel for each partition held, as detectors.yaml says, read anew when it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from confluent_kafka import Message, TopicPartition

from consumer_prediction.judge import DIRECTIONS, SEVERITIES
from consumer_prediction.settings import PredictionSettings
from consumer_prediction.ticks import Hand, Tick
from detectors import plan as plans
from detectors.errors import DetectorError
from detectors.key_table import Int64s, key_ids
from detectors.model import Model
from detectors.panel import Finding, Panel, Records
from detectors.plan import Plan
from detectors.profile import Profile
from kafka_cluster.clock import Clock
from kafka_cluster.codec import Columns
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.log import get_logger
from kafka_cluster.records import Anomaly, Evidence, anomaly_id

LOOK_EVERY_S = TICK_EVERY_S = 1.0
log = get_logger()


class Found(NamedTuple):
    """An anomaly, and the key to write it under."""

    key: bytes | None
    anomaly: Anomaly


class Panels:
    """One panel a partition. Where a partition begins, records before it are read again, to learn from alone."""

    def __init__(self, settings: PredictionSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._metrics: tuple[str, ...] = ()
        self._panels: dict[int, Panel] = {}
        self._hands: dict[int, Hand] = {}
        self._stamps: tuple[object, ...] = ()
        self._next_look = self._next_tick = float("-inf")
        self.plan = Plan()

    def look(self, metrics: tuple[str, ...]) -> None:
        """Take up a changed file, at most once in LOOK_EVERY_S. Raises ConfigError for the first one alone."""
        path, first = self._settings.detectors_file, self._metrics != metrics
        if path is None or (self._clock.monotonic() < self._next_look and not first):
            return
        self._next_look = self._clock.monotonic() + LOOK_EVERY_S
        if not first and plans.stamps(self.plan) == self._stamps:
            return
        try:
            plan = plans.read(path, self._settings.metrics_topic, metrics)
        except DetectorError as error:
            if first:
                raise
            self._stamps = plans.stamps(self.plan)
            log.error("detectors file not usable: what was before goes on", error=str(error))
            return
        self._take(plan, metrics)

    def begin(self, partition: int, offset: int, metadata: str | None = None) -> int:
        """A partition begins at this offset, its panel knowing nothing; returns where to read from.

        `metadata` are those that were committed with the offset.
        """
        return self._begin(partition, offset, Tick.of(metadata))

    def again(self, partition: int, offset: int) -> int:
        """What came from this offset on is to be unlearned; returns where to read from."""
        return self._begin(partition, offset, self._hands[partition].tick if partition in self._hands else None)

    def forget(self, partition: int) -> None:
        """A partition is given up."""
        self._panels.pop(partition, None)
        self._hands.pop(partition, None)

    def split(self, messages: list[Message]) -> tuple[list[Message], list[Message]]:
        """The records that are read again to learn from, and those to be judged."""
        learn = {partition: hand.judged_from for partition, hand in self._hands.items() if hand.learns}
        if not learn:
            return [], messages
        before, new = list[Message](), list[Message]()
        for message in messages:
            known = (message.offset() or 0) < learn.get(message.partition() or 0, 0)
            (before if known else new).append(message)
        return before, new

    def marked(self, nexts: list[TopicPartition]) -> list[TopicPartition]:
        """The offsets as they are to be committed: with what the clock has told."""
        return [self._marked(each) for each in nexts]

    def reached(self, nexts: list[TopicPartition]) -> None:
        """All before these offsets is learned, and what was to be said is said."""
        for each in nexts:
            hand = self._hands.setdefault(each.partition, Hand(None))
            hand.next = each.offset
            past = hand.tick is not None and not hand.repeat and self._panel(each.partition).is_past(hand.tick.time_ms)
            hand.tick = None if past else hand.tick

    def overdue(self) -> list[tuple[int, int]]:
        """Partitions for which the clock has something to say, and the next offset of each; asked now and then."""
        if not self.plan.keyed or self._clock.monotonic() < self._next_tick:
            return []
        self._next_tick = self._clock.monotonic() + TICK_EVERY_S
        known = [(partition, hand.next, self._time_ms(partition, hand)) for partition, hand in self._hands.items()]
        return [
            (partition, following)
            for partition, following, time_ms in known
            if following is not None and time_ms is not None and self._panel(partition).overdue(time_ms)
        ]

    def tick(self, partition: int, offset: int) -> tuple[list[Found], Tick | None]:
        """What is overdue by the clock where the next record would be the one at `offset`, and what to remember."""
        time_ms = self._time_ms(partition, self._hands[partition])
        if time_ms is None:
            return [], None
        findings = self._panel(partition).tick(time_ms)
        found = [_found(self._settings.metrics_topic, partition, one, self.plan.version) for one in findings]
        return found, Tick(offset, time_ms)

    def ticked(self, partition: int, tick: Tick | None) -> None:
        """What the clock found is said."""
        self._hands[partition].tick = tick

    def judge(self, batch: ConsumedBatch, columns: Columns, model: Model) -> list[Found]:
        """The anomalies that the keyed detectors find in a batch, by partition; they have learned it then."""
        if not self.plan.keyed or len(columns.rows) == 0:
            return []
        keys, partitions = batch.keys(), np.asarray(batch.partitions(), np.int64)[columns.rows]
        offsets = np.asarray(batch.offsets(), np.int64)[columns.rows]
        ids = key_ids(keys)[columns.rows]
        found = []
        for partition in np.unique(partitions).tolist():
            rows = np.flatnonzero(partitions == partition)
            if self._panel(partition).listens:
                self._hands.setdefault(partition, Hand(None)).note(batch, columns.rows[rows], columns.times_ms[rows])
            findings = self._judged(partition, _records(rows, ids, columns, offsets, keys), model.profile)
            found += [_found(batch.topic, partition, one, self.plan.version) for one in findings]
        return found

    def _marked(self, following: TopicPartition) -> TopicPartition:
        tick = self._hands[following.partition].tick if following.partition in self._hands else None
        if tick is None:
            return following
        return TopicPartition(following.topic, following.partition, following.offset, metadata=tick.text)

    def _judged(self, partition: int, records: Records, profile: Profile) -> list[Finding]:
        panel, hand = self._panel(partition), self._hands.get(partition)
        if hand is None or hand.tick is None or not hand.repeat:
            return panel.judge(records, profile)
        at = int(np.searchsorted(records.addresses, hand.tick.offset))
        found = panel.judge(records.part(0, at), profile)
        if at < len(records.keys):
            self._repeat(partition, hand)
        return found + panel.judge(records.part(at, len(records.keys)), profile)

    def _repeat(self, partition: int, hand: Hand) -> None:
        """Let the clock speak once more where it has spoken; what it says was said then."""
        if hand.tick is not None and hand.repeat:
            self._panel(partition).tick(hand.tick.time_ms)
            hand.repeat = False

    def _time_ms(self, partition: int, hand: Hand) -> int | None:
        """The time of a partition whose records so far are all learned, by the wall clock."""
        if hand.next is None or hand.learns:
            return None
        self._repeat(partition, hand)
        return hand.live.stream_ms(round(self._clock.now() * 1000))

    def _begin(self, partition: int, offset: int, tick: Tick | None) -> int:
        self.forget(partition)
        if offset < 0 or not self.plan.keyed:  # below 0 are librdkafka's names for the ends
            self._hands[partition] = Hand(None if offset < 0 else offset)
            return offset
        first = max(0, offset - self._settings.detectors_rewind)
        self._hands[partition] = Hand(first, offset, tick, repeat=tick is not None)
        return first

    def _panel(self, partition: int) -> Panel:
        if partition not in self._panels:
            self._panels[partition] = Panel(self.plan, self._metrics)
        return self._panels[partition]

    def _take(self, plan: Plan, metrics: tuple[str, ...]) -> None:
        kept = self._panels if metrics == self._metrics else {}
        self.plan, self._metrics, self._stamps = plan, metrics, plans.stamps(plan)
        Panel(plan, metrics).warm()
        self._panels = {partition: Panel(plan, metrics, before) for partition, before in kept.items()}
        charts = [f"{chart.name}({', '.join(chart.metrics)})" for chart in plan.charts]
        rules = 0 if plan.rules is None else len(plan.rules.rules)
        more = {"silence": plan.silence is not None, "version": plan.version}
        log.info("detectors", forest=plan.forest, charts=charts, rules=rules, **more)


def _records(rows: Int64s, ids: Int64s, columns: Columns, offsets: Int64s, keys: Sequence[bytes | None]) -> Records:
    """The part of a batch that is of one partition."""
    came = columns.rows

    def name(row: int) -> bytes:
        return keys[came[rows[row]]] or b""

    return Records(ids[rows], columns.times_ms[rows], columns.values[rows], offsets[rows], name)


def _found(topic: str, partition: int, one: Finding, version: str) -> Found:
    anomaly = Anomaly(
        id=anomaly_id(topic, partition, one.address, one.time_ms, one.detector),
        topic=topic,
        partition=partition,
        offset=one.address,
        key=one.key.decode(errors="replace") if one.key else None,
        timestamp=one.time_ms,
        detector=one.detector,
        model_version=version,
        score=one.score,
        threshold=one.threshold,
        severity=SEVERITIES[one.severity],
        evidence=tuple(
            [Evidence(metric, observed, expected, share, DIRECTIONS[side], low, high)
             for metric, observed, expected, share, side, low, high in one.evidence]
        ),
        reason=one.sentence,
    )  # fmt: skip
    return Found(one.key or None, anomaly)
