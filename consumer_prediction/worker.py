"""The poll loop: consume a batch, decode, judge, commit; between two batches take up a new champion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from consumer_prediction.champion import Champion, ChampionWatch
from consumer_prediction.judge import Judged, judge
from consumer_prediction.membership import Membership
from consumer_prediction.panels import Found, Panels
from consumer_prediction.settings import PredictionSettings
from detectors.features import Float64s
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
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.outcome import count_outcome
from kafka_cluster.records import Anomaly
from kafka_cluster.registry import HttpRegistry, RegistryAwayError, subject_of
from kafka_cluster.schemas import load_schema
from kafka_cluster.span_attributes import ANOMALIES, MODEL_VERSION
from kafka_cluster.standstill import Standstill
from kafka_cluster.tell import tell
from kafka_cluster.tracing import UNTRACED, Tracer
from kafka_cluster.transaction import AbortedError, Output, Transactions

MODEL_WAIT_S = 0.5
SAY_EVERY_S = 30.0
log = get_logger()


@dataclass
class Counts:
    """What this member has committed since its start."""

    scored: int = 0
    anomalies: int = 0
    dead_letters: int = 0


class Worker:
    """One member of the prediction group."""

    def __init__(
        self,
        settings: PredictionSettings,
        registry: HttpRegistry,
        clock: Clock,
        stop: Stop,
        transactions: type[Transactions] = Transactions,
        meter: Meter = OFF,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._settings, self._registry, self._clock, self._stop = settings, registry, clock, stop
        self._watch = ChampionWatch(settings, registry, clock, meter, tracer)
        schema = load_schema("anomaly")
        self._encoder = AnomalyEncoder(registry.register(subject_of(settings.anomalies_topic), schema))
        self._consumer: Consumer = clients.consumer(settings, settings.prediction_group, **member_config(settings))
        self._panels = Panels(settings, clock)
        admin = clients.admin_client(settings)
        self._membership = Membership(settings, self._consumer, admin, self._panels, clock, stop, meter)
        self._standstill = Standstill(self._consumer, clock, self._beat, meter)
        self._transactions = transactions(settings, clock, stop, meter)
        self._meter = meter
        self._batches = batches(tracer, settings.anomalies_topic, settings.group, settings.consumer_id)
        self._limit = DeadLetterLimit(settings.dead_letter_limit, settings.dead_letter_window)
        who = {"program": "consumer_prediction", "id": settings.consumer_id}
        self._heartbeat = Heartbeat(settings.heartbeat_file, clock, settings.heartbeat_every_s, meter, **who)
        self._decoder: MetricDecoder | None = None
        self._decodes: tuple[str, ...] = ()
        self.counts = counts = Counts()
        meter.follow(metrics.PREDICTION_RECORDS, lambda: counts.scored)

    def run(self) -> Counts:
        """Work until the stop is requested; what was scored is committed. Raises LabError."""
        try:
            champion = self._first_champion()
            if champion is not None:
                self._decoder_for(champion.model.metrics)  # compiled before the first record
                self._panels.look(champion.model.metrics)
                self._membership.join(champion)
                with collected_between_batches(self._clock) as garbage:
                    while not self._stop.requested:
                        champion = self._watch.look() or champion
                        self._panels.look(champion.model.metrics)
                        self._turn(champion)
                        garbage.collect()
        finally:
            self.close()
        self._beat("stopped")
        log.info("stopped", scored=self.counts.scored, anomalies=self.counts.anomalies)
        return self.counts

    def close(self) -> None:
        """Leave the group, which hands the partitions over at once. Harmless when repeated."""
        self._consumer.close()
        self._watch.close()
        self._transactions.close()

    def _first_champion(self) -> Champion | None:
        """Wait for a model, saying so; None when asked to stop before there is one."""
        said = float("-inf")
        while not self._stop.requested:
            if (champion := self._watch.look()) is not None:
                return champion
            if self._clock.monotonic() - said >= SAY_EVERY_S:
                said = self._clock.monotonic()
                topic, name = self._settings.models_topic, self._settings.model_name
                log.info("waiting for a model", topic=topic, name=name)
            self._beat("waiting for a model")
            self._clock.sleep(MODEL_WAIT_S)
            self._meter.add(metrics.WAIT_SECONDS, MODEL_WAIT_S, what="model")
        return None

    def _turn(self, champion: Champion) -> None:
        """One turn of the loop."""
        self._batches.polling()
        messages = self._consumer.consume(self._settings.prediction_batch, self._settings.prediction_poll_s)
        self._batches.polled()
        self._membership.say_when_idle()
        self._beat("scoring" if self._membership.held else "spare: no partitions")
        records = self._membership.still_held(records_of(messages))
        before, new = self._panels.split(records)
        if before:
            self._learn(champion, ConsumedBatch(self._settings.metrics_topic, before))
            new = self._membership.still_held(new)  # learning may have waited for the registry, and the group gone on
        if new:
            with self._meter.timed(metrics.CONSUMER_BATCH_SECONDS):
                self._score(champion, ConsumedBatch(self._settings.metrics_topic, new))
        self._tell_silent()

    def _learn(self, champion: Champion, batch: ConsumedBatch) -> None:
        """Records from before the first that is this member's to judge: the panels learn them, nothing is said."""
        while (columns := self._decode(champion, batch)) is None:
            if self._stop.requested:
                return
        self._panels.judge(batch, columns, champion.model)
        self._panels.reached(batch.nexts())

    def _decode(self, champion: Champion, batch: ConsumedBatch) -> Columns | None:
        """The batch in columns; None, after a wait, when the registry was away."""
        try:
            return self._decoder_for(champion.model.metrics).decode(batch.values)
        except RegistryAwayError as error:
            where = {"topic": batch.topic, "offsets": batch.firsts()}
            self._standstill.until_ready(self._registry, self._stop, error, **where)
            return None

    def _score(self, champion: Champion, batch: ConsumedBatch) -> None:
        trace = self._batches.begin(batch)
        with trace.step("decode"):
            columns = self._decode(champion, batch)
        if columns is None:
            trace.failed("the Schema Registry is away")
            self._read_again(batch)
            return
        scores: list[Float64s] = []
        with trace.step("judge"), self._meter.timed(metrics.PREDICTION_SCORING_SECONDS):
            judged = judge(batch, columns, champion.model, scores.append) if self._panels.plan.forest else []
            found = self._panels.judge(batch, columns, champion.model)
        letters = [batch.dead_letter(bad.row, bad.error, bad.reason) for bad in columns.rejected]
        # Before the commit: at the limit the batch stays unread, and is there when the cause is mended.
        self._limit.count(len(batch), len(letters))
        try:
            with trace.step("commit"):
                outputs = self._outputs(batch, judged, found, letters, trace)
                self._transactions.commit(self._consumer, outputs, self._panels.marked(batch.nexts()))
        except AbortedError:
            trace.failed("the transaction was undone")
            self._read_again(batch)
            return
        trace.committed({MODEL_VERSION: champion.model.version, ANOMALIES: len(judged) + len(found)})
        self._panels.reached(batch.nexts())
        self._membership.standing.committed(batch, self._membership.held)
        for column in scores:
            self._meter.observe_all(metrics.PREDICTION_SCORE, column)
        self._count(len(columns.rows), [anomaly for _, anomaly in (*judged, *found)], letters, trace)

    def _tell_silent(self) -> None:
        """Tell what is overdue by the wall clock in partitions that have no more records; their offsets stay."""
        for partition, offset in self._panels.overdue():
            if not self._membership.has_all(partition, offset):
                continue
            found, tick = self._panels.tick(partition, offset)
            where = TopicPartition(self._settings.metrics_topic, partition, offset, metadata=tick and tick.text)
            trace = self._batches.begin(ConsumedBatch(self._settings.metrics_topic, []))
            try:
                self._transactions.commit(self._consumer, self._keyed(found, trace), [where])
            except AbortedError:
                trace.failed("the transaction was undone")
                self._go_back(partition, offset)
            else:
                trace.committed({ANOMALIES: len(found)})
                self._panels.ticked(partition, tick)
                self._count(0, [anomaly for _, anomaly in found], [], trace)

    def _outputs(
        self,
        batch: ConsumedBatch,
        judged: list[Judged],
        found: list[Found],
        letters: list[DeadLetter],
        trace: BatchTrace,
    ) -> list[Output]:
        dead = self._settings.dead_letters_topic
        return [
            *self._keyed([*((batch.key(row), anomaly) for row, anomaly in judged), *found], trace),
            *(Output(dead, letter.key, letter.value, letter.headers()) for letter in letters),
        ]

    def _keyed(self, found: Sequence[tuple[bytes | None, Anomaly]], trace: BatchTrace) -> list[Output]:
        topic, encode = self._settings.anomalies_topic, self._encoder.encode
        return [Output(topic, key, encode(one), trace.headers(one.partition, one.offset)) for key, one in found]

    def _count(self, scored: int, anomalies: list[Anomaly], letters: list[DeadLetter], trace: BatchTrace) -> None:
        self.counts.scored += scored
        self.counts.anomalies += len(anomalies)
        self.counts.dead_letters += len(letters)
        count_outcome(self._meter, anomalies, letters)
        tell(anomalies, letters, self._settings.prediction_log_limit, trace.fields)

    def _read_again(self, batch: ConsumedBatch) -> None:
        """Go back to the batch's first record in each partition that is still held, and unlearn the batch.

        One that went and came back in a wait stays where it began anew: another member may have committed more.
        """
        first = batch.firsts()
        for partition in self._membership.unbroken & first.keys():
            self._go_back(partition, first[partition])

    def _go_back(self, partition: int, offset: int) -> None:
        first = self._panels.again(partition, offset)
        self._consumer.seek(TopicPartition(self._settings.metrics_topic, partition, first))

    def _decoder_for(self, metrics: tuple[str, ...]) -> MetricDecoder:
        if self._decoder is None or self._decodes != metrics:
            subject = subject_of(self._settings.metrics_topic)
            self._decoder, self._decodes = MetricDecoder(self._registry, metrics, subject=subject), metrics
            self._decoder.warm()
        return self._decoder

    def _beat(self, state: str) -> None:
        self._membership.standing.look()
        champion = self._watch.champion
        model = None if champion is None else champion.model.version
        self._heartbeat.beat(state, partitions=sorted(self._membership.held), model=model, **vars(self.counts))
