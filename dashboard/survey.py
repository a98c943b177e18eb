"""Looks at the pipeline from outside, as an operator would: offsets, the group, who holds what, how far behind."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from dashboard.anomalies import Wanted
from dashboard.board import Board
from dashboard.pipeline_shapes import AlertsOut, HistoryOut, MemberOut, PartitionOut, PipelineOut, WaitingOut
from dashboard.settings import DashboardSettings
from kafka_cluster import clients
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.committed import checked_in
from kafka_cluster.letters import REPLAY_GROUP

EVERY_S = 1.0
GROUP_EVERY = 2  # surveys
REQUEST_TIMEOUT_S = 5.0
RATE_OVER_S = 4.0  # shorter, and a rate of 1/s flickers between 0 and 1
RATES_KEPT = 150  # one every two seconds: five minutes
QUIET_AFTER_S = 5.0
TRAINING_SHARE = 0.6  # TRAINING_FRACTION's default; only for "412 of about 1,138"
Offsets = dict[int, int]
LATEST: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call] # published without


@dataclass(frozen=True)
class Group:
    """The prediction group as the broker describes it."""

    state: str = "unknown"
    members: tuple[MemberOut, ...] = ()

    def holder(self, partition: int) -> str | None:
        """The member that holds a partition."""
        return next((one.name for one in self.members if partition in one.partitions), None)


@dataclass(frozen=True)
class Seen:
    """Offsets at one instant, by partition."""

    at_s: float
    ends: Offsets
    committed: Offsets


class Survey:
    """One life of the admin client: from its connection to its first error."""

    def __init__(
        self, settings: DashboardSettings, board: Board, clock: Clock, stop: Stop, admin: AdminClient | None = None
    ) -> None:
        self._settings, self._board, self._clock, self._stop = settings, board, clock, stop
        self._admin: AdminClient = admin or clients.admin_client(settings)
        self._seen: deque[Seen] = deque(maxlen=int(RATE_OVER_S / EVERY_S) + 1)
        self._rates: deque[float] = deque(maxlen=RATES_KEPT)
        self._group = Group()
        self._history: HistoryOut | None = None
        self._telling = Group()
        self._events_seen: Seen | None = None
        self._replayed: Offsets = {}
        self._moved_s = clock.monotonic()
        self._turns = 0

    def follow(self) -> None:
        """Look again every second. Raises KafkaException."""
        while not self._stop.requested:
            self.look()
            self._board.trouble("broker", None)
            self._stop.wait(EVERY_S)

    def look(self) -> None:
        """Look once, and put what was seen on the board."""
        if self._turns % GROUP_EVERY == 0:
            self._group = self._describe(self._settings.prediction_group, self._settings.metrics_topic)
            self._look_at_history()
            self._telling = self._describe(self._settings.alerts_group, self._settings.anomalies_topic)
            self._replayed = self._committed(REPLAY_GROUP, self._settings.dead_letters_topic)
        topic = self._settings.metrics_topic
        seen = Seen(self._clock.monotonic(), self._ends(topic), self._committed(self._settings.prediction_group, topic))
        if not self._seen or seen.ends != self._seen[-1].ends:
            self._moved_s = seen.at_s
        self._seen.append(seen)
        if self._turns % 2 == 0:
            self._rates.append(round(self._rate("ends"), 2))
        self._turns += 1
        self._board.pipeline = self._pipeline()

    def _pipeline(self) -> PipelineOut:
        board, now = self._board, self._seen[-1]
        lags = {number: now.ends[number] - at for number, at in now.committed.items() if number in now.ends}
        lag = max(0, sum(lags.values())) if lags else None
        scored = self._rate("committed")
        quiet_s = self._quiet_s()
        with board.lock:
            letters = board.letters
            return PipelineOut(
                at_ms=int(self._clock.now() * 1000),
                records=sum(now.ends.values()),
                rate=round(self._rate("ends"), 2),
                rates=list(self._rates),
                quiet_s=round(quiet_s, 1) if quiet_s > QUIET_AFTER_S else None,
                partitions=[self._partition(number, end, lags) for number, end in sorted(now.ends.items())],
                group=self._settings.prediction_group,
                group_state=self._group.state,
                members=list(self._group.members),
                scored_rate=round(scored, 2),
                lag=lag,
                lag_s=round(lag / scored, 1) if lag is not None and scored > 0 else None,
                anomalies=len(board.shelf) + board.shelf.dropped,
                open_anomalies=board.shelf.newest(Wanted(open_only=True), 0)[1],
                dead_letters=letters.open_after(self._replayed),
                dead_letters_total=letters.total,
                dead_letters_by_error=dict(letters.by_error.most_common(10)),
                history=self._history,
                alerts=self._alerts(),
                keys=len(board.keys),
                looked_at=round(board.looked_at, 4),
                waiting=self._waiting(),
                troubles=board.troubles,
            )

    def _alerts(self) -> AlertsOut | None:
        """Incidents, where there is anybody to tell of them, or was. With the board's lock."""
        found, consumers = self._board.incidents, len(self._telling.members)
        if not consumers and not len(found):
            return None
        return AlertsOut(open=len(found.open()), untold=found.untold(), consumers=consumers)

    def _quiet_s(self) -> float:
        """How long nothing has come: by the broker's time of the newest record, else for as long as was looked."""
        looked_s, newest_s = self._seen[-1].at_s - self._moved_s, self._board.newest_s
        return looked_s if newest_s is None else max(looked_s, self._clock.now() - newest_s)

    def _partition(self, number: int, end: int, lags: Offsets) -> PartitionOut:
        return PartitionOut(
            partition=number,
            end=end,
            committed=self._seen[-1].committed.get(number),
            lag=max(0, lags[number]) if number in lags else None,
            rate=round(self._rate("ends", number), 2),
            holder=self._group.holder(number),
        )

    def _waiting(self) -> WaitingOut | None:
        """Why nothing is found yet, if something is missing."""
        board, records = self._board, sum(self._seen[-1].ends.values())
        if records == 0:
            return WaitingOut(state="records" if self._seen[-1].ends else "topics")
        if board.champion is None:
            total = board.known.records
            need = None if total is None else int(TRAINING_SHARE * total)
            rate = self._rate("ends")
            about_s = None if need is None or rate <= 0 or records >= need else round((need - records) / rate, 1)
            return WaitingOut(state="model", have=records, need=need, about_s=about_s)
        return None if self._group.members else WaitingOut(state="consumers")

    def _rate(self, of: str, partition: int | None = None) -> float:
        """Per second, over the last seconds; offsets that go back (a topic made anew) count as none."""
        if len(self._seen) <= 1:
            return 0.0
        moved = 0
        for before, after in pairwise(self._seen):
            ones, others = getattr(before, of), getattr(after, of)
            numbers = others.keys() & ones.keys() if partition is None else {partition} & others.keys() & ones.keys()
            moved += sum(max(0, others[number] - ones[number]) for number in numbers)
        return float(moved / max(1e-3, self._seen[-1].at_s - self._seen[0].at_s))

    def _ends(self, topic: str) -> Offsets:
        numbers = self._admin.list_topics(topic, timeout=REQUEST_TIMEOUT_S).topics[topic].partitions
        if not numbers:
            return {}
        wanted = {TopicPartition(topic, number): LATEST for number in numbers}
        found: dict[TopicPartition, Any] = self._admin.list_offsets(wanted, request_timeout=REQUEST_TIMEOUT_S)
        return {place.partition: int(future.result().offset) for place, future in found.items()}

    def _committed(self, group: str, topic: str) -> Offsets:
        return {one.partition: one.offset for one in self._places(group, topic)}

    def _places(self, group: str, topic: str) -> list[TopicPartition]:
        asked = [ConsumerGroupTopicPartitions(group)]
        future = self._admin.list_consumer_group_offsets(asked, request_timeout=REQUEST_TIMEOUT_S)[group]
        places = future.result().topic_partitions or []
        return [one for one in places if one.topic == topic and one.offset >= 0]

    def _look_at_history(self) -> None:
        """The group that keeps the events, where there is one."""
        group, topic = self._settings.history_group, self._settings.events_topic
        places = self._places(group, topic)
        committed = {one.partition: one.offset for one in places}
        if not committed:
            self._history = None
            return
        shares = [share for one in places if (share := checked_in(one.metadata)) is not None]
        before, now = self._events_seen, Seen(self._clock.monotonic(), self._ends(topic), committed)
        self._events_seen = now
        took_s = now.at_s - before.at_s if before else 0.0
        self._history = HistoryOut(
            group=group,
            members=list(self._describe(group, topic).members),
            rate=_per_s(before.ends, now.ends, took_s) if before else 0.0,
            stored_rate=_per_s(before.committed, now.committed, took_s) if before else 0.0,
            lag=sum(max(0, end - committed.get(number, 0)) for number, end in now.ends.items()),
            checked=sum(shares) / len(shares) if shares else None,
        )

    def _describe(self, group: str, topic: str) -> Group:
        future: Any = self._admin.describe_consumer_groups([group], request_timeout=REQUEST_TIMEOUT_S)[group]
        described = future.result()
        members = [
            MemberOut(
                name=one.client_id,
                host=one.host.lstrip("/"),
                partitions=sorted(
                    place.partition
                    for place in (one.assignment.topic_partitions if one.assignment else [])
                    if place.topic == topic
                ),
            )
            for one in described.members
        ]
        return Group(described.state.name.replace("_", " ").lower(), tuple(sorted(members, key=lambda one: one.name)))


def _per_s(before: Offsets, now: Offsets, took_s: float) -> float:
    moved = sum(max(0, now[number] - before[number]) for number in now.keys() & before.keys())
    return round(moved / max(1e-3, took_s), 1)
