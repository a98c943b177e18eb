"""The keyed detectors at work: a panel for each partition held, as detectors.yaml says, read anew when it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from confluent_kafka import Message

from consumer_prediction.judge import DIRECTIONS, SEVERITIES
from consumer_prediction.settings import PredictionSettings
from detectors import plan as plans
from detectors.errors import DetectorError
from detectors.key_table import Int64s, key_ids
from detectors.model import Model
from detectors.panel import Finding, Panel, Records
from detectors.plan import Plan
from kafka_cluster.clock import Clock
from kafka_cluster.codec import Columns
from kafka_cluster.consumed import ConsumedBatch
from kafka_cluster.log import get_logger
from kafka_cluster.records import Anomaly, Evidence, anomaly_id

LOOK_EVERY_S = 1.0
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
        self._from: dict[int, int] = {}  # by partition, the first offset that is to be judged; while it is ahead
        self._stamps: tuple[object, ...] = ()
        self._next_look = float("-inf")
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

    def begin(self, partition: int, offset: int) -> int:
        """A partition begins at this offset, its panel knowing nothing; returns where to read from."""
        self.forget(partition)
        if offset < 0 or not self.plan.keyed:  # below 0 are librdkafka's names for the ends
            return offset
        self._from[partition] = offset
        return max(0, offset - self._settings.detectors_rewind)

    def forget(self, partition: int) -> None:
        """A partition is given up."""
        self._panels.pop(partition, None)
        self._from.pop(partition, None)

    def split(self, messages: list[Message]) -> tuple[list[Message], list[Message]]:
        """The records that are read again to learn from, and those to be judged."""
        if not self._from:
            return [], messages
        before, new = [], []
        for message in messages:
            partition, offset = message.partition(), message.offset()
            if partition in self._from and (offset or 0) < self._from[partition]:
                before.append(message)
            else:
                self._from.pop(partition or 0, None)
                new.append(message)
        return before, new

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
            records = _records(rows, ids, columns, offsets, keys)
            findings = self._panel(partition).judge(records, model.profile)
            found += [_found(batch.topic, partition, one, self.plan.version) for one in findings]
        return found

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
