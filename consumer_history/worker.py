"""The poll loop: consume a batch, store it, check it, commit what was found together with the offsets."""

from __future__ import annotations

import numpy as np
from confluent_kafka import TopicPartition

from consumer_history.checks import Checks, ReadBackChecks, ReadBackStore
from consumer_history.decode import EventDecoder, Events
from consumer_history.progress import Counts, SheddingNotice
from consumer_history.recovery import Recovery
from consumer_history.report import Found, report
from consumer_history.saving import Saving
from consumer_history.settings import HistorySettings
from consumer_history.shedding import Lag, Shedding
from consumer_history.store import HistoryStore, StoreAwayError
from detectors.last_values import Snapshot
from kafka_cluster import clients, metrics
from kafka_cluster.anomaly_encoder import AnomalyEncoder
from kafka_cluster.batch_trace import BatchTrace, batches
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.committed import note
from kafka_cluster.consumed import ConsumedBatch, records_of
from kafka_cluster.dead_letters import DeadLetterLimit
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

MS_PER_S, MB = 1000, 1_000_000
log = get_logger()


class Worker:
    """One member of the history group."""

    def __init__(
        self,
        settings: HistorySettings,
        registry: HttpRegistry,
        store: HistoryStore,
        clock: Clock,
        stop: Stop,
        transactions: type[Transactions] = Transactions,
        meter: Meter = OFF,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._settings, self._registry, self._store, self._clock, self._stop = settings, registry, store, clock, stop
        schema = load_schema("anomaly")
        self._encoder = AnomalyEncoder(registry.register(subject_of(settings.anomalies_topic), schema))
        self._decoder = EventDecoder(settings, registry)
        self._checks = ReadBackChecks(settings, store) if isinstance(store, ReadBackStore) else Checks(settings)
        self._shedding, self._notice = Shedding(settings), SheddingNotice()
        self._consumer = clients.consumer(settings, settings.group, **member_config(settings))
        self._membership = Membership(settings.events_topic, self._consumer, clock, stop, meter)
        self._standstill = Standstill(self._consumer, clock, self._beat, meter)
        self._saving = Saving(self._checks, store, settings.history_state_every, settings.check_depth)
        self._recovery = Recovery(
            self._checks, store, self._membership, self._standstill, self._saving, clock, stop, settings.check_depth
        )
        self._transactions = transactions(settings, clock, stop, meter)
        self._meter = meter
        self._batches = batches(tracer, settings.anomalies_topic, settings.group, settings.consumer_id)
        self._limit = DeadLetterLimit(settings.dead_letter_limit, settings.dead_letter_window)
        who = {"program": "consumer_history", "id": settings.consumer_id, "store": settings.history_store}
        self._heartbeat = Heartbeat(settings.heartbeat_file, clock, settings.heartbeat_every_s, meter, **who)
        self.counts = Counts()
        self._follow()

    def _follow(self) -> None:
        counts, recovery, store = self.counts, self._recovery, self._store
        for counter, read in (
            (metrics.HISTORY_EVENTS, lambda: counts.stored),
            (metrics.HISTORY_CHECKS, lambda: counts.checked),
            (metrics.HISTORY_STORE_ROWS, lambda: store.rows),
            (metrics.HISTORY_RECOVERED_EVENTS, lambda: recovery.done.events),
            (metrics.HISTORY_RECOVERY_SECONDS, lambda: recovery.done.seconds),
        ):
            self._meter.follow(counter, read)

    def run(self) -> Counts:
        """Work until the stop is requested; what was checked is committed. Raises LabError."""
        try:
            self._decoder.warm()
            self._checks.warm()
            self._membership.join()
            with collected_between_batches(self._clock) as garbage:
                while not self._stop.requested:
                    self._turn()
                    garbage.collect()
        finally:
            self.close()
        self._beat("stopped")
        log.info("stopped", stored=self.counts.stored, checked=self.counts.checked, anomalies=self.counts.anomalies)
        return self.counts

    def snapshots(self) -> dict[int, Snapshot]:
        """By partition held when it stopped: its state."""
        return self._checks.snapshots()

    def close(self) -> None:
        """Leave the group, which hands the partitions over at once. Harmless when repeated."""
        self._consumer.close()
        self._transactions.close()
        self._store.close()

    def _turn(self) -> None:
        self._batches.polling()
        messages = self._consumer.consume(self._settings.history_batch, self._settings.history_poll_s)
        self._batches.polled()
        records = self._membership.of_held(records_of(messages))
        self._recovery.follow()
        self._beat("checking" if self._membership.held else "spare: no partitions")
        if records and not self._stop.requested:
            with self._meter.timed(metrics.CONSUMER_BATCH_SECONDS):
                self._work(ConsumedBatch(self._settings.events_topic, records))

    def _work(self, consumed: ConsumedBatch) -> None:
        """All of the batch is committed, or nothing of it and the partitions start over."""
        trace = self._batches.begin(consumed)
        try:
            with trace.step("decode"):
                decoded = self._decoder.decode(consumed)
        except RegistryAwayError as error:
            self._start_over(consumed, trace, "the Schema Registry is away")
            self._standstill.until_ready(self._registry, self._stop, error)
            return
        events = self._still_mine(decoded.take(self._checks.unseen(decoded.batch)))
        self._limit.count(len(consumed), len(events.letters))
        with trace.step("store"):
            stored = self._stored(events)
        if stored is None:
            trace.failed("stopped while the store was away")
            return
        lag = self._lag(consumed)
        share = self._shedding.share(lag)
        try:
            with trace.step("check"):
                checked = self._checks.check(stored.batch, share)
                found = report(consumed, stored, checked, self._settings)
            with trace.step("commit"):
                outputs = self._outputs(stored, found, trace)
                self._transactions.commit(self._consumer, outputs, self._nexts(consumed, share))
        except StoreAwayError as error:  # the baseline reads back
            self._start_over(consumed, trace, "the store is away")
            with self._standstill.until_done() as still:
                still.wait("waiting for the store", error)
        except AbortedError:
            self._start_over(consumed, trace, "the transaction was undone")
        else:
            trace.committed({ANOMALIES: len(found)})
            kept = self._shedding.kept(lag)
            self._notice.look(kept, lag)
            self._meter.set(metrics.HISTORY_SHED_RATIO, 1 - kept)
            self._membership.standing.committed(consumed, self._membership.mine)
            count_outcome(self._meter, [one.anomaly for one in found], stored.letters)
            self.counts.add(stored, int(checked.marks.sum()), found, lag, share)
            tell([one.anomaly for one in found], stored.letters, self._settings.history_log_limit, trace.fields)
            self._saving.look()

    def _stored(self, events: Events) -> Events | None:
        """The events, stored durably. While the store is away, partitions may go; None when asked to stop before."""
        with self._standstill.until_done() as still:
            while True:
                try:
                    with self._meter.timed(metrics.HISTORY_STORE_SECONDS):
                        self._store.append(events.batch)
                except StoreAwayError as error:
                    still.wait("waiting for the store", error)
                    if self._stop.requested:
                        return None
                    events = self._still_mine(events)
                else:
                    return events

    def _start_over(self, consumed: ConsumedBatch, trace: BatchTrace, why: str) -> None:
        """Nothing of the batch counts: states and positions go back to what is committed."""
        trace.failed(why)
        self._membership.start_over(set(consumed.firsts()))

    def _still_mine(self, events: Events) -> Events:
        """Without events and letters of partitions that went, also where they have come back."""
        mine, begins = self._membership.mine, self._checks.next_offsets
        letters = [bad for bad in events.letters if bad.partition in mine and bad.offset >= begins[bad.partition]]
        kept = np.isin(events.batch.partitions, list(mine))
        return Events(events.rows, events.batch, letters).take(kept)

    def _nexts(self, consumed: ConsumedBatch, share: float) -> list[TopicPartition]:
        mine = [one for one in consumed.nexts() if one.partition in self._membership.mine]
        return [TopicPartition(one.topic, one.partition, one.offset, note(share)) for one in mine]

    def _outputs(self, events: Events, found: list[Found], trace: BatchTrace) -> list[Output]:
        anomalies, dead = self._settings.anomalies_topic, self._settings.dead_letters_topic
        return [
            *(
                Output(anomalies, key, self._encoder.encode(one), trace.headers(one.partition, one.offset))
                for key, one in found
            ),
            *(Output(dead, bad.key, bad.value, bad.headers()) for bad in events.letters),
        ]

    def _lag(self, consumed: ConsumedBatch) -> Lag:
        topic, records = self._settings.events_topic, 0
        for partition, offset in self._checks.next_offsets.items():
            _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
            records += max(0, high - offset)
        newest_s = consumed.timestamp_ms(len(consumed) - 1) / MS_PER_S
        return Lag(max(0.0, self._clock.now() - newest_s), records)

    def _beat(self, state: str) -> None:
        done = self._recovery.done
        self._membership.standing.look()
        self._meter.set(metrics.HISTORY_KEYS, self._checks.keys)
        self._meter.set(metrics.HISTORY_STATE_BYTES, self._checks.nbytes)
        self._heartbeat.beat(
            state,
            partitions=sorted(self._membership.held),
            keys=self._checks.keys,
            history_mb=round(self._checks.nbytes / MB, 1),
            rows=self._store.rows,
            rebuilt=done.events,
            rebuild_s=round(done.seconds, 3),
            **vars(self.counts),
        )
