"""Follows anomalies, verdicts, incidents, models and dead letters: few records, each read as one."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from dashboard.board import Board
from dashboard.incidents import IncidentBook
from dashboard.letters import LetterBox
from dashboard.models import is_champion, load_champion
from dashboard.settings import DashboardSettings
from dashboard.tail_metrics import NAME
from kafka_cluster import clients
from kafka_cluster.clock import Stop
from kafka_cluster.codec import RecordDecoder, RejectedValueError
from kafka_cluster.consumed import records_of
from kafka_cluster.incident import Incident
from kafka_cluster.letters import Letter
from kafka_cluster.log import get_logger
from kafka_cluster.read_topic import partitions_of
from kafka_cluster.records import Anomaly, ModelAnnouncement, Verdict
from kafka_cluster.registry import Registry, UnknownSchemaError
from kafka_cluster.span_attributes import ANOMALY_ID, MODEL_VERSION, messaging
from kafka_cluster.tracing import UNTRACED, Kind, Origins, Tracer, extract

BATCH = 500
TURN_S = 0.05
REQUEST_TIMEOUT_S = 10.0
log = get_logger()


class RecordsTail:
    """One life of the consumer: from its connection to its first error. What is read twice changes nothing."""

    def __init__(
        self,
        settings: DashboardSettings,
        registry: Registry,
        board: Board,
        stop: Stop,
        tracer: Tracer = UNTRACED,
        origins: Origins | None = None,
        since_ms: int = 0,
    ) -> None:
        self._settings, self._board, self._stop = settings, board, stop
        self._tracer, self._origins = tracer, origins or Origins()
        self._since_ms = since_ms  # what is older is no news: it leaves no span
        self._decoder = RecordDecoder(registry)
        self._consumer: Consumer = clients.consumer(settings, NAME, **{"queued.max.messages.kbytes": 8_192})
        self._takers: dict[str, Callable[[Message], None]] = {
            settings.models_topic: self._take_model,
            settings.anomalies_topic: self._take_anomaly,
            settings.verdicts_topic: self._take_verdict,
            settings.incidents_topic: self._take_incident,
            settings.dead_letters_topic: self._take_letter,
        }
        self._announced: ModelAnnouncement | None = None

    def follow(self) -> None:
        """Until the stop is requested. Raises KafkaException, LabError (among them RegistryAwayError)."""
        try:
            self._board.letters, self._board.incidents = LetterBox(), IncidentBook()
            self._consumer.assign([place for topic in self._takers for place in self._starts(topic)])
            while not self._stop.requested:
                for message in records_of(self._consumer.consume(BATCH, TURN_S)):
                    self._take(message)
                self._load()
                self._board.trouble("findings", None)
        finally:
            self._consumer.close()

    def _starts(self, topic: str) -> list[TopicPartition]:
        """Of anomalies the newest, of all others everything."""
        numbers = partitions_of(self._consumer, topic)
        if topic != self._settings.anomalies_topic:
            return [TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers]
        return [TopicPartition(topic, number, self._newest(topic, number)) for number in numbers]

    def _newest(self, topic: str, number: int) -> int:
        low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), REQUEST_TIMEOUT_S)
        # Each transaction leaves a marker that counts as an offset: half of them may be no records.
        return max(low, high - 2 * self._settings.dashboard_anomalies)

    def _take(self, message: Message) -> None:
        topic = str(message.topic())
        try:
            self._takers[topic](message)
        except (RejectedValueError, UnknownSchemaError, TypeError, ValueError) as error:
            place = {"topic": topic, "partition": message.partition(), "offset": message.offset()}
            log.warning("record not shown", **place, error=str(error))

    def _take_anomaly(self, message: Message) -> None:
        if (value := message.value()) is not None:
            anomaly = Anomaly.from_avro(self._decoder.decode(value))
            self._board.put_anomaly(anomaly)
            if self._tracer.on:
                self._trace(message, anomaly)

    def _trace(self, message: Message, anomaly: Anomaly) -> None:
        """Its trace goes on here, if it is news, and further with what people say about it."""
        came, news = extract(message.headers()), message.timestamp()[1] >= self._since_ms
        if came is not None and came.sampled and news and self._tracer.room():
            place = messaging("process", str(message.topic()), partition=message.partition(), offset=message.offset())
            more = {ANOMALY_ID: anomaly.id, MODEL_VERSION: anomaly.model_version}
            with self._tracer.span(
                f"process {message.topic()}", came, kind=Kind.CONSUMER, attributes={**place, **more}
            ) as span:
                came = span.context
        self._origins.put(anomaly.id, came)

    def _take_verdict(self, message: Message) -> None:
        value, key = message.value(), message.key()
        verdict = None if value is None else Verdict.from_avro(self._decoder.decode(value))
        anomaly_id = (key or b"").decode() if verdict is None else verdict.anomaly_id
        self._board.judge(anomaly_id, verdict)

    def _take_incident(self, message: Message) -> None:
        value, key = message.value(), message.key()
        incident = None if value is None else Incident.from_avro(self._decoder.decode(value))
        with self._board.lock:
            self._board.incidents.put((key or b"").decode(), incident)

    def _take_model(self, message: Message) -> None:
        if (value := message.value()) is None:
            return
        announcement = ModelAnnouncement.from_avro(self._decoder.decode(value))
        self._board.announce(announcement)
        if is_champion(announcement, self._settings.model_name):
            self._announced = announcement

    def _take_letter(self, message: Message) -> None:
        with self._board.lock:
            self._board.letters.put(Letter.of(message))

    def _load(self) -> None:
        """The newest champion, once; the announcements before it are history."""
        if self._announced is None:
            return
        known = self._board.champion
        if known is None or known.announcement != self._announced:
            self._board.champion = load_champion(self._announced, self._settings.models_dir)
            readable = self._board.champion.model is not None
            log.info("champion", model_version=self._announced.version, readable=readable)
        self._announced = None
