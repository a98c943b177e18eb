"""The bundle onto the shared volume, the evaluation beside it, the announcement onto the topic."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from consumer_training.fit import Fitted
from consumer_training.rows import Rows, Split
from consumer_training.settings import TrainingSettings
from detectors import bundle
from kafka_cluster import clients
from kafka_cluster.clock import Clock
from kafka_cluster.codec import Encoder
from kafka_cluster.dead_letters import Header
from kafka_cluster.errors import LabError
from kafka_cluster.records import ModelAnnouncement, Role
from kafka_cluster.registry import HttpRegistry, subject_of
from kafka_cluster.schemas import load_schema
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.tracing import TraceContext, inject

LIBRARIES = ("numpy", "scikit-learn", "confluent-kafka", "fastavro")
EVALUATION_JSON, EVALUATION_PNG = "evaluation.json", "evaluation.png"
DELIVERY_TIMEOUT_S = 30.0


class Written(NamedTuple):
    """A bundle on the volume."""

    folder: Path
    version: str
    manifest_sha256: str


def write_bundle(fitted: Fitted, parts: Split, settings: TrainingSettings, facts: dict[str, Any]) -> Written:
    """Write the bundle; `facts` on the reading join the manifest's data section."""
    folder = settings.models_dir / settings.model_name / fitted.model.version
    manifest = {
        "name": settings.model_name,
        "detector": "isolation-forest",
        "parameters": {
            "n_estimators": settings.training_trees,
            "max_samples": int(fitted.sklearn_forest.max_samples_),
            "contamination": settings.training_contamination,
            "random_state": settings.training_seed,
        },
        "constant_features": list(fitted.constant_features),
        "data": {"topic": settings.metrics_topic, **_span(parts.training), "next_offsets": parts.next_offsets, **facts},
        "libraries": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }
    digest = bundle.write(fitted.model, folder, manifest, {"model.joblib": fitted.joblib()})
    return Written(folder, fitted.model.version, digest)


def _span(training: Rows) -> dict[str, int]:
    first, last = int(training.times_ms[0]), int(training.times_ms[-1])
    return {"training_rows": len(training), "from_ms": first, "to_ms": last}


def add_evaluation(folder: Path, evaluation: dict[str, Any], plot: bytes) -> None:
    """Put the evaluation beside the bundle's files; each appears whole."""
    for name, content in (
        (EVALUATION_JSON, (json.dumps(evaluation, indent=2) + "\n").encode()),
        (EVALUATION_PNG, plot),
    ):
        aside = folder / f".{name}.{os.getpid()}"
        try:
            aside.write_bytes(content)
            aside.replace(folder / name)
        except OSError as error:
            raise LabError(str(folder / name), f"cannot be written ({error})", "check the volume") from None


def announce(
    settings: TrainingSettings,
    clock: Clock,
    written: Written,
    evaluation: dict[str, Any] | None,
    span: TraceContext | None = None,
) -> ModelAnnouncement:
    """Make the bundle the champion: prediction consumers take it up between two batches. `span` goes on with them."""
    announcement = ModelAnnouncement(
        name=settings.model_name,
        version=written.version,
        path=f"{settings.model_name}/{written.version}",
        manifest_sha256=written.manifest_sha256,
        role=Role.CHAMPION,
        timestamp=int(clock.now() * 1000),
        evaluation=None if evaluation is None else json.dumps(evaluation),
    )
    schema = load_schema("model")
    with HttpRegistry(settings) as registry:
        encoder = Encoder(schema, registry.register(subject_of(settings.models_topic), schema))
    encoded = encoder.encode(announcement.to_avro())
    send_all(settings, settings.models_topic, [(announcement.key, encoded)], inject(span))
    return announcement


def send_all(
    settings: KafkaSettings, topic: str, keyed: Iterable[tuple[str, bytes | None]], headers: Sequence[Header] = ()
) -> None:
    """Send and wait. Raises LabError unless the broker has taken every record."""
    problems: list[str] = []
    producer = clients.producer(settings)
    for key, value in keyed:
        producer.produce(
            topic,
            value,
            key.encode(),
            on_delivery=lambda error, _: problems.append(error.str()) if error else None,
            headers=list(headers),
        )
    if left := producer.flush(DELIVERY_TIMEOUT_S):
        problems.append(f"{left} not delivered in {DELIVERY_TIMEOUT_S:.0f} s")
    producer.close()
    if problems:
        raise LabError(f"topic {topic!r}", "; ".join(problems))
