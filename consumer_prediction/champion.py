"""The champion: the newest announcement with that role, and the bundle behind it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Message, TopicPartition

from consumer_prediction.settings import PredictionSettings
from detectors import bundle
from detectors.errors import DetectorError
from detectors.model import Model
from kafka_cluster import clients, metrics
from kafka_cluster.clock import Clock
from kafka_cluster.codec import RecordDecoder, RejectedValueError
from kafka_cluster.evaluation_metrics import tell_evaluation
from kafka_cluster.log import get_logger
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.records import ModelAnnouncement, Role
from kafka_cluster.registry import Registry, RegistryAwayError, UnknownSchemaError
from kafka_cluster.span_attributes import MODEL_VERSION, messaging
from kafka_cluster.tracing import UNTRACED, Kind, TraceContext, Tracer, extract

LOOK_EVERY_S = 1.0
TRY_AGAIN_S = 5.0
log = get_logger()


@dataclass(frozen=True)
class Champion:
    """A model that may score, and where its training data ended: by partition, the next offset."""

    model: Model
    next_offsets: dict[int, int]


class ChampionWatch:
    """Follows the models topic; `champion` changes only inside `look`, that is, between two batches."""

    def __init__(
        self,
        settings: PredictionSettings,
        registry: Registry,
        clock: Clock,
        meter: Meter = OFF,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._settings, self._clock, self._meter, self._tracer = settings, clock, meter, tracer
        self._decoder = RecordDecoder(registry)
        # Every member reads the whole topic by itself, so its group is its own and commits nothing.
        self._consumer = clients.consumer(settings, f"{settings.prediction_group}-models-{uuid.uuid4()}")
        self._consumer.assign([TopicPartition(settings.models_topic, 0, OFFSET_BEGINNING)])
        self._waiting: ModelAnnouncement | None = None  # announced, not loaded yet
        self._came_from: TraceContext | None = None  # the span that announced it
        self._next_look = self._next_try = float("-inf")
        self.champion: Champion | None = None
        meter.set(metrics.MODEL_LOADED, 0)

    def look(self) -> Champion | None:
        """The champion. Takes note of new announcements, at most once in LOOK_EVERY_S, and loads the newest."""
        if self._clock.monotonic() < self._next_look:
            return self.champion
        self._next_look = self._clock.monotonic() + LOOK_EVERY_S
        for message in self._consumer.consume(100, 0):
            if message.error() is None and message.value() is not None:
                self._note(message)
        if self._waiting is not None and self._clock.monotonic() >= self._next_try:
            self._take_up(self._waiting)
        return self.champion

    def close(self) -> None:
        """Leave the topic."""
        self._consumer.close()

    def _note(self, message: Message) -> None:
        place = {"partition": message.partition(), "offset": message.offset()}
        try:
            announcement = ModelAnnouncement.from_avro(self._decoder.decode(message.value() or b""))
        except RegistryAwayError as error:
            log.warning("waiting for the Schema Registry", error=str(error))
            self._consumer.assign([TopicPartition(self._settings.models_topic, 0, OFFSET_BEGINNING)])
            return
        except (RejectedValueError, UnknownSchemaError) as error:
            log.error("announcement not readable", topic=self._settings.models_topic, **place, error=str(error))
            return
        if announcement.role is Role.CHAMPION and announcement.name == self._settings.model_name:
            known = self.champion is not None and self.champion.model.version == announcement.version
            self._waiting = None if known else announcement
            self._came_from = extract(message.headers()) if self._tracer.on else None
            self._next_try = float("-inf")
            if known:  # announced once more, when it was evaluated
                self._tell(announcement)

    def _take_up(self, announcement: ModelAnnouncement) -> None:
        attributes = {**messaging("process", self._settings.models_topic), MODEL_VERSION: announcement.version}
        with self._tracer.span("take up model", self._came_from, kind=Kind.CONSUMER, attributes=attributes) as span:
            self._load(announcement)
            if self._waiting is not None:
                span.fail("not usable")

    def _load(self, announcement: ModelAnnouncement) -> None:
        folder = self._settings.models_dir / announcement.path
        try:
            manifest = bundle.read_manifest(folder, announcement.manifest_sha256)
            model = bundle.load(folder, announcement.manifest_sha256)
        except DetectorError as error:
            self._next_try = self._clock.monotonic() + TRY_AGAIN_S
            version = announcement.version
            log.error("champion not usable", model_version=version, error=str(error), next_try_s=TRY_AGAIN_S)
            return
        model.forest.warm()
        offsets = {int(number): int(offset) for number, offset in manifest["data"]["next_offsets"].items()}
        self.champion, self._waiting = Champion(model, offsets), None
        self._meter.add(metrics.MODEL_SWAPS)
        self._tell(announcement)
        more = {"threshold": round(model.threshold, 4), "features": list(model.features)}
        log.info("model", model_version=model.version, **more)

    def _tell(self, announcement: ModelAnnouncement) -> None:
        """The champion in use, and how it was evaluated."""
        meter, champion = self._meter, self.champion
        if champion is None or not meter.on:
            return
        meter.set(metrics.MODEL_LOADED, 1)
        meter.replace(metrics.MODEL_INFO, {(announcement.name, announcement.version): 1})
        meter.set(metrics.MODEL_TIMESTAMP_SECONDS, announcement.timestamp / 1000)
        meter.set(metrics.MODEL_THRESHOLD, champion.model.threshold)
        tell_evaluation(meter, json.loads(announcement.evaluation or "{}"))
