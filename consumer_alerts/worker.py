"""The poll loop: anomalies into incidents, incidents and offsets into one transaction, and then people are told.

An incident is written down before anybody is told of it, and that it was told is written down after. So a crash loses
nothing, and what it repeats has the id of the incident that is known already.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass

from confluent_kafka import TopicPartition

from consumer_alerts import reading
from consumer_alerts.channels.make import make
from consumer_alerts.courier import Dispatch, Maker
from consumer_alerts.desk import Change, Desk
from consumer_alerts.following import RulesWatch
from consumer_alerts.settings import AlertsSettings
from consumer_alerts.takeover import Takeover
from consumer_alerts.telling import Outcome
from consumer_alerts.traces import AlertTraces
from consumer_alerts.written import WrittenIncidents
from kafka_cluster import clients, metrics
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.codec import RecordDecoder
from kafka_cluster.consumed import ConsumedBatch, records_of
from kafka_cluster.dead_letters import DeadLetter, DeadLetterLimit
from kafka_cluster.errors import LabError
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.log import get_logger
from kafka_cluster.member import member_config
from kafka_cluster.membership import Membership
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.read_topic import partitions_of
from kafka_cluster.registry import HttpRegistry, RegistryAwayError
from kafka_cluster.standstill import Standstill
from kafka_cluster.tell import tell
from kafka_cluster.tracing import UNTRACED, Tracer
from kafka_cluster.transaction import AbortedError, Output, Transactions

MS_PER_S = 1_000
COUNTED = "counted"
log = get_logger()


@dataclass
class Counts:
    """What this member has committed since its start."""

    anomalies: int = 0
    ignored: int = 0
    opened: int = 0  # incidents that were told, or are to be
    held_back: int = 0
    told: int = 0  # messages that arrived
    dead_letters: int = 0


class Worker:
    """One member of the alerts group."""

    def __init__(
        self,
        settings: AlertsSettings,
        registry: HttpRegistry,
        clock: Clock,
        stop: Stop,
        transactions: type[Transactions] = Transactions,
        meter: Meter = OFF,
        maker: Maker = make,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._settings, self._registry, self._clock, self._stop = settings, registry, clock, stop
        self._traces = AlertTraces(tracer, settings.group, settings.consumer_id)
        self._dispatch = Dispatch(clock, maker, meter, self._traces)
        self._watch = RulesWatch(settings.alerts_file, self._dispatch, clock)
        self._desk = Desk(self._watch.rules)
        self._decoder = RecordDecoder(registry)
        config = member_config(settings) | {"enable.partition.eof": True}
        self._consumer = clients.consumer(settings, settings.group, **config)
        self._partitions = self._matching_partitions()
        self._membership = Membership(settings.anomalies_topic, self._consumer, clock, stop, meter)
        self._standstill = Standstill(self._consumer, clock, self._beat, meter)
        written = WrittenIncidents(settings, registry, clients.admin_client(settings), clock)
        self._written = written
        self._takeover = Takeover(self._desk, self._dispatch, written, self._membership, self._standstill, stop)
        self._transactions = transactions(settings, clock, stop, meter)
        self._limit = DeadLetterLimit(settings.dead_letter_limit, settings.dead_letter_window)
        who = {"program": "consumer_alerts", "id": settings.consumer_id}
        self._heartbeat = Heartbeat(settings.heartbeat_file, clock, settings.heartbeat_every_s, meter, **who)
        self._meter = meter
        self._arrived: list[Outcome] = []  # told, and not written down yet
        self.counts = Counts()
        meter.follow(metrics.ALERTS_INCIDENTS, lambda: self.counts.opened, gate="passed")
        meter.follow(metrics.ALERTS_INCIDENTS, lambda: self.counts.held_back, gate="held-back")

    def run(self) -> Counts:
        """Work until the stop is requested; what was told by then is written down. Raises LabError, ConfigError."""
        try:
            self._membership.join()
            while not self._stop.requested:
                self._turn()
            self._finish()
        finally:
            self.close()
        self._beat("stopped")
        log.info("stopped", **vars(self.counts))
        return self.counts

    def close(self) -> None:
        """Leave the group, which hands the partitions over at once. Harmless when repeated."""
        self._consumer.close()
        self._transactions.close()
        self._dispatch.close()

    def _turn(self) -> None:
        self._desk.rules = self._watch.look()
        messages = self._consumer.consume(self._settings.alerts_batch, self._settings.alerts_poll_s)
        records = self._membership.of_held(records_of(reading.without_ends(messages, self._takeover.caught_up)))
        self._takeover.follow()
        self._beat("alerting" if self._membership.held else "spare: no partitions")
        if self._stop.requested:
            return
        mine = [one for one in records if self._takeover.is_new(one.partition() or 0, one.offset() or 0)]
        batch = ConsumedBatch(self._settings.anomalies_topic, mine)
        with self._meter.timed(metrics.CONSUMER_BATCH_SECONDS) if mine else nullcontext():
            self._work(batch)

    def _work(self, consumed: ConsumedBatch) -> None:
        """All of the batch is written down and then told, or nothing of it and the partitions start over."""
        try:
            found, letters = reading.decode(consumed, self._decoder)
        except RegistryAwayError as error:
            self._membership.start_over(set(consumed.firsts()))
            self._standstill.until_ready(self._registry, self._stop, error)
            return
        self._limit.count(len(consumed), len(letters))
        with self._traces.of(consumed, found) as spans:
            if not self._alert(consumed, found, letters):
                for span in spans:
                    span.fail("the transaction was undone")

    def _alert(self, consumed: ConsumedBatch, found: list[reading.Read], letters: list[DeadLetter]) -> bool:
        """Into incidents, written down, and then told; False when it could not be written down."""
        now = self._now()
        self._arrived += self._dispatch.told()
        for outcome in self._arrived:
            self._desk.acknowledge(outcome, now)
        handled = Counter(
            str(self._desk.take(one.partition, one.anomaly, one.found_at, now) or COUNTED) for one in found
        )
        self._desk.look(now, self._takeover.caught_up, len(self._takeover.next_offsets) / self._partitions)
        due = self._desk.due(now)
        changes = self._desk.changes()
        for next_one in consumed.nexts():
            self._takeover.next_offsets[next_one.partition] = next_one.offset
        if not self._committed(changes, letters, {*consumed.firsts(), *(one.partition for one in changes)}):
            return False
        self._dispatch.offer(due)
        self._membership.standing.committed(consumed, self._membership.mine)
        self._count(handled, letters)
        return True

    def _committed(self, changes: list[Change], letters: list[DeadLetter], partitions: set[int]) -> bool:
        """Whether changes and offsets are written; if not, the partitions start over.

        Offsets go with every transaction, also those that have not moved: by them the group fences whoever has lost the
        partition.
        """
        if not partitions:
            self._arrived.clear()
            return True
        topic, nexts = self._settings.anomalies_topic, self._takeover.next_offsets
        outputs = [
            self._written.output(*change)._replace(headers=self._traces.carried(change.incident)) for change in changes
        ]
        outputs += [Output(self._settings.dead_letters_topic, bad.key, bad.value, bad.headers()) for bad in letters]
        offsets = [TopicPartition(topic, partition, nexts[partition]) for partition in sorted(partitions)]
        try:
            self._transactions.commit(self._consumer, outputs, offsets)
        except AbortedError:
            self._membership.start_over(partitions)
            return False
        self._arrived.clear()
        return True

    def _finish(self) -> None:
        """Write down what was told by the end, so that the next member does not tell it again."""
        self._arrived += self._dispatch.finish(self._settings.alerts_finish_s)
        now = self._now()
        for outcome in self._arrived:
            self._desk.acknowledge(outcome, now)
        changes = [one for one in self._desk.changes() if one.partition in self._membership.mine]
        self._committed(changes, [], {one.partition for one in changes})

    def _count(self, handled: Counter[str], letters: list[DeadLetter]) -> None:
        counts, gate = self.counts, self._desk.gate
        counts.anomalies += handled.total()
        counts.ignored += handled.total() - handled[COUNTED]
        counts.dead_letters += len(letters)
        counts.told, counts.opened, counts.held_back = (
            self._dispatch.sent.delivered.total(),
            gate.passed,
            gate.held_back,
        )
        self._meter.add_all(metrics.ALERTS_ANOMALIES, {(what,): number for what, number in handled.items()})
        self._meter.add_all(metrics.DEAD_LETTERS, Counter((letter.error,) for letter in letters))
        tell([], letters, self._settings.alerts_log_limit)

    def _matching_partitions(self) -> int:
        """Partitions of the anomalies. Raises LabError where the incidents have fewer."""
        anomalies, incidents = (
            len(partitions_of(self._consumer, topic))
            for topic in (self._settings.anomalies_topic, self._settings.incidents_topic)
        )
        if incidents < anomalies:
            reason = f"has {incidents} partitions, and {self._settings.anomalies_topic!r} has {anomalies}"
            raise LabError(f"topic {self._settings.incidents_topic!r}", reason, "an incident lies beside its anomalies")
        return anomalies

    def _now(self) -> int:
        return int(self._clock.now() * MS_PER_S)

    def _beat(self, state: str) -> None:
        held = sorted(self._membership.held)
        self._membership.standing.look(self._takeover.caught_up)
        self._meter.set(metrics.ALERTS_OPEN_INCIDENTS, self._desk.open())
        self._meter.set(metrics.ALERTS_WAITING_MESSAGES, self._dispatch.waiting)
        more = {"open": self._desk.open(), "waiting": self._dispatch.waiting}
        self._heartbeat.beat(state, partitions=held, **more, **vars(self.counts))
