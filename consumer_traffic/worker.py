"""The poll loop: consume a batch, watch its connections, commit what was found together with the offsets.

What is usual for a service is learned from the topic itself: whoever takes a partition over reads TRAFFIC_REWIND
connections before what is committed again, and says nothing about them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from confluent_kafka import Message

from consumer_traffic.settings import TrafficSettings
from consumer_traffic.watch import Found, Watch
from detectors.key_table import key_ids
from detectors.traffic import Connections, Traffic
from kafka_cluster import clients, metrics
from kafka_cluster.anomaly_encoder import AnomalyEncoder
from kafka_cluster.batch_trace import BatchTrace, batches
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.codec import Columns, MetricDecoder
from kafka_cluster.consumed import ConsumedBatch, records_of
from kafka_cluster.dead_letters import DeadLetter, DeadLetterLimit
from kafka_cluster.garbage import collected_between_batches
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.log import get_logger
from kafka_cluster.member import member_config
from kafka_cluster.membership import Membership
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.outcome import count_outcome
from kafka_cluster.registry import HttpRegistry, RegistryAwayError, subject_of
from kafka_cluster.schemas import load_schema
from kafka_cluster.span_attributes import ANOMALIES
from kafka_cluster.standstill import Standstill
from kafka_cluster.tell import tell
from kafka_cluster.tracing import UNTRACED, Tracer
from kafka_cluster.transaction import AbortedError, Output, Transactions

FIELDS = ("source", "port")
log = get_logger()


@dataclass
class Counts:
    """What this member has committed since its start."""

    watched: int = 0
    anomalies: int = 0
    dead_letters: int = 0


class Worker:
    """One member of the traffic group."""

    def __init__(
        self,
        settings: TrafficSettings,
        registry: HttpRegistry,
        clock: Clock,
        stop: Stop,
        transactions: type[Transactions] = Transactions,
        meter: Meter = OFF,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._settings, self._registry, self._clock, self._stop = settings, registry, clock, stop
        schema = load_schema("anomaly")
        self._encoder = AnomalyEncoder(registry.register(subject_of(settings.anomalies_topic), schema))
        self._decoder = MetricDecoder(registry, FIELDS, subject=subject_of(settings.connections_topic))
        self._consumer = clients.consumer(settings, settings.group, **member_config(settings))
        self._membership = Membership(
            settings.connections_topic, self._consumer, clock, stop, meter, settings.traffic_rewind
        )
        self._watches: dict[int, Watch] = {}
        self._standstill = Standstill(self._consumer, clock, self._beat, meter)
        self._transactions = transactions(settings, clock, stop, meter)
        self._batches = batches(tracer, settings.anomalies_topic, settings.group, settings.consumer_id)
        self._limit = DeadLetterLimit(settings.dead_letter_limit, settings.dead_letter_window)
        who = {"program": "consumer_traffic", "id": settings.consumer_id}
        self._heartbeat = Heartbeat(settings.heartbeat_file, clock, settings.heartbeat_every_s, meter, **who)
        self._meter = meter
        self.counts = counts = Counts()
        meter.follow(metrics.TRAFFIC_CONNECTIONS, lambda: counts.watched)

    def run(self) -> Counts:
        """Work until the stop is requested; what was watched is committed. Raises LabError."""
        try:
            self._decoder.warm()
            Traffic().warm()
            key_ids([b"0"])
            self._membership.join()
            with collected_between_batches(self._clock) as garbage:
                while not self._stop.requested:
                    self._turn()
                    garbage.collect()
        finally:
            self.close()
        self._beat("stopped")
        log.info("stopped", watched=self.counts.watched, anomalies=self.counts.anomalies)
        return self.counts

    def close(self) -> None:
        """Leave the group, which hands the partitions over at once. Harmless when repeated."""
        self._consumer.close()
        self._transactions.close()

    def _turn(self) -> None:
        self._batches.polling()
        messages = self._consumer.consume(self._settings.traffic_batch, self._settings.traffic_poll_s)
        self._batches.polled()
        records = self._follow(self._membership.of_held(records_of(messages)))
        self._beat("watching" if self._membership.held else "spare: no partitions")
        if records and not self._stop.requested:
            with self._meter.timed(metrics.CONSUMER_BATCH_SECONDS):
                self._work(ConsumedBatch(self._settings.connections_topic, records))

    def _follow(self, records: list[Message]) -> list[Message]:
        """Watches follow the partitions; returns the records that may be worked on.

        Of a partition that went and came back in the call that gave the batch, records from before may be in it: it
        starts over.
        """
        lost = self._membership.take_lost()
        if again := lost & self._membership.held:
            self._membership.start_over(again)
        for partition in lost:
            self._watches.pop(partition, None)
        for partition, committed in self._membership.new.items():
            self._watches[partition] = Watch(self._settings, partition, committed)
        self._membership.new.clear()
        return [record for record in records if record.partition() not in again]

    def _work(self, batch: ConsumedBatch) -> None:
        """All of the batch is committed, or nothing of it and its partitions start over."""
        trace = self._batches.begin(batch)
        try:
            with trace.step("decode"):
                columns = self._decoder.decode(batch.values)
        except RegistryAwayError as error:
            self._start_over(batch, trace, "the Schema Registry is away")
            self._standstill.until_ready(self._registry, self._stop, error)
            return
        with trace.step("watch"):
            found, watched = self._watch(batch, columns)
        letters = [batch.dead_letter(bad.row, bad.error, bad.reason) for bad in columns.rejected]
        letters = [bad for bad in letters if bad.offset >= self._watches[bad.partition].judged_from]
        self._limit.count(watched + len(letters), len(letters))
        nexts = [one for one in batch.nexts() if one.offset > self._watches[one.partition].judged_from]
        try:
            if nexts:  # else all of it was read again
                with trace.step("commit"):
                    self._transactions.commit(self._consumer, self._outputs(found, letters, trace), nexts)
        except AbortedError:
            self._start_over(batch, trace, "the transaction was undone")
            return
        trace.committed({ANOMALIES: len(found)})
        self._membership.standing.committed(batch, self._membership.held)
        self._count(watched, found, letters, trace)

    def _watch(self, batch: ConsumedBatch, columns: Columns) -> tuple[list[Found], int]:
        """What the connections of a batch say, by partition, and how many of them were not watched before."""
        keys, rows = batch.keys(), columns.rows
        partitions, offsets = batch.addresses()
        partitions, offsets = partitions[rows], offsets[rows]
        targets = key_ids(keys)[rows]
        sources, ports = columns.values.T.astype(np.int64)
        found, watched = list[Found](), 0
        for partition in np.unique(partitions).tolist():
            its, watch = np.flatnonzero(partitions == partition), self._watches[partition]
            came = Connections(targets[its], sources[its], ports[its], columns.times_ms[its], offsets[its])
            found += watch.observe(came, lambda row, its=its: keys[rows[its[row]]] or b"")  # type: ignore[misc]  # defaults bind the loop's own values
            watched += int((offsets[its] >= watch.judged_from).sum())
        return found, watched

    def _outputs(self, found: list[Found], letters: list[DeadLetter], trace: BatchTrace) -> list[Output]:
        anomalies, dead = self._settings.anomalies_topic, self._settings.dead_letters_topic
        return [
            *(
                Output(anomalies, key, self._encoder.encode(one), trace.headers(one.partition, one.offset))
                for key, one in found
            ),
            *(Output(dead, bad.key, bad.value, bad.headers()) for bad in letters),
        ]

    def _count(self, watched: int, found: list[Found], letters: list[DeadLetter], trace: BatchTrace) -> None:
        self.counts.watched += watched
        self.counts.anomalies += len(found)
        self.counts.dead_letters += len(letters)
        anomalies = [one.anomaly for one in found]
        count_outcome(self._meter, anomalies, letters)
        tell(anomalies, letters, self._settings.traffic_log_limit, trace.fields)

    def _start_over(self, batch: ConsumedBatch, trace: BatchTrace, why: str) -> None:
        """Nothing of the batch counts: watches and positions go back to what is committed."""
        trace.failed(why)
        self._membership.start_over(set(batch.firsts()))

    def _beat(self, state: str) -> None:
        dropped = sum(watch.dropped for watch in self._watches.values())
        held = sorted(self._membership.held)
        self._membership.standing.look()
        self._heartbeat.beat(state, partitions=held, dropped=dropped, **vars(self.counts))
