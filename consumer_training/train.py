"""The training run: read, split in time, fit, publish, evaluate."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from consumer_training.evaluate import Evaluation, Labels, Scored, evaluate, score_rows
from consumer_training.fit import fit
from consumer_training.plot import draw
from consumer_training.progress import Progress
from consumer_training.publish import add_evaluation, announce, write_bundle
from consumer_training.read import TopicReader
from consumer_training.rows import Rows, split
from consumer_training.settings import TrainingSettings
from detectors.errors import DetectorError
from kafka_cluster import dataset as datasets
from kafka_cluster import metrics
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.codec import MetricDecoder
from kafka_cluster.errors import LabError
from kafka_cluster.evaluation_metrics import tell_evaluation
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.log import get_logger
from kafka_cluster.meter import Meter
from kafka_cluster.metrics_server import serving
from kafka_cluster.prepare import wait_for_registry
from kafka_cluster.registry import Registry, subject_of
from kafka_cluster.span_attributes import MODEL_VERSION
from kafka_cluster.tracing import open_tracer

log = get_logger()


@dataclass(frozen=True)
class Trained:
    """What a training run made."""

    bundle: Path
    version: str
    training_rows: int
    test_rows: int
    evaluation: Evaluation | None


def train(settings: TrainingSettings, clock: Clock, stop: Stop) -> Trained:
    """One training run, as `_train` tells. Raises LabError, DetectorError."""
    with (
        serving(settings, metrics.TRAINING, clock, stop) as meter,
        closing(open_tracer(settings, "consumer_training", settings.training_group, clock)) as tracer,
        tracer.span("train model") as span,
    ):
        return _train(settings, clock, stop, meter, Progress(meter, clock, tracer, span))


def _train(settings: TrainingSettings, clock: Clock, stop: Stop, meter: Meter, progress: Progress) -> Trained:
    """Train on the first `training_fraction` of the records in event time, evaluate on the rest, announce the model.

    Without `training_wait_for` the records are those that the topic holds now. With it, the model is fitted and
    announced as soon as the training part of so many records is there, and evaluated once all of them are.
    Raises LabError, DetectorError.
    """
    labels = _labels(settings)
    heartbeat = Heartbeat(settings.heartbeat_file, clock, meter=meter, program="consumer_training")
    expected = _expected(settings)
    with (
        wait_for_registry(settings, clock) as registry,
        TopicReader(settings, _decoder(settings, registry), clock, stop, heartbeat, meter, progress.span) as reader,
    ):
        if expected is None:
            reader.read_to_end()
        else:
            reader.read_until(int(settings.training_fraction * expected))
        progress.done("read")
        rows = _checked(reader, settings)
        parts = split(rows, int(settings.training_fraction * (expected or len(rows))), reader.read_to)
        fitted = fit(parts.training, settings, f"{dt.datetime.fromtimestamp(clock.now(), dt.UTC):%Y%m%dT%H%M%SZ}")
        progress.done("fit")
        written = write_bundle(fitted, parts, settings, _facts(reader, rows))
        progress.span.set({MODEL_VERSION: written.version})
        log.info("model fitted", model_version=written.version, training_rows=len(parts.training))
        if expected is not None and len(rows) < expected:
            with progress.announcing(settings.models_topic) as span:
                announce(settings, clock, written, None, span.context)
            meter.add(metrics.TRAINING_ANNOUNCED)
            heartbeat.beat("waiting for the test part", bundle=str(written.folder), version=written.version)
            reader.read_until(expected)
            rows = reader.newest.rows()
    progress.start()
    scored = score_rows(fitted.model, rows[len(parts.training) : expected])
    evaluation = _evaluate(scored, labels)
    if evaluation is not None:
        plot = draw(fitted.model, parts.training, scored, evaluation, labels)
        add_evaluation(written.folder, evaluation.to_json(), plot)
        tell_evaluation(meter, evaluation.to_json())
    progress.done("evaluate")
    with progress.announcing(settings.models_topic) as span:
        announce(settings, clock, written, None if evaluation is None else evaluation.to_json(), span.context)
    progress.announced(len(parts.training), len(scored.rows))
    counts = {"training_rows": len(parts.training), "test_rows": len(scored.rows)}
    heartbeat.beat("done", bundle=str(written.folder), version=written.version, **counts)
    return Trained(written.folder, written.version, **counts, evaluation=evaluation)


def _decoder(settings: TrainingSettings, registry: Registry) -> MetricDecoder:
    return MetricDecoder(registry, settings.metrics, subject=subject_of(settings.metrics_topic))


def _expected(settings: TrainingSettings) -> int | None:
    """How many records the topic will hold; None: those that it holds now."""
    if settings.training_wait_for != "dataset" or settings.training_dataset is None:
        return cast(int | None, settings.training_wait_for)
    records = datasets.read(settings.training_dataset).records
    if records is None:
        way_out = "run `python -m producer.prepare`, or set TRAINING_WAIT_FOR to a number"
        raise LabError(str(settings.training_dataset), "does not say how many records there are", way_out)
    return records


def _facts(reader: TopicReader, rows: Rows) -> dict[str, Any]:
    return {"seen": reader.newest.seen, "kept": len(rows), "rejected": dict(reader.newest.rejected)}


def _labels(settings: TrainingSettings) -> Labels:
    if settings.training_dataset is None:
        return Labels(None, {})
    dataset = datasets.read(settings.training_dataset)
    windows = None if dataset.labels is None else datasets.windows(dataset)
    return Labels(windows, {metric.name: metric.unit for metric in dataset.metrics})


def _checked(reader: TopicReader, settings: TrainingSettings) -> Rows:
    """The rows that were read. Raises DetectorError when too many records were unusable."""
    newest = reader.newest
    rejected = newest.rejected.total()
    if rejected:
        log.warning("records not usable", rejected=rejected, reasons=dict(newest.rejected.most_common(3)))
    if rejected > settings.training_max_rejected * (newest.seen + rejected):
        reason, count = newest.rejected.most_common(1)[0]
        summary = f"{rejected} of {newest.seen + rejected} are not usable, {count} of them: {reason}"
        raise DetectorError(f"records of topic {settings.metrics_topic!r}", summary, "mend the producer or the schema")
    if newest.seen > settings.training_max_rows:
        log.warning("only the newest records are kept", seen=newest.seen, kept=settings.training_max_rows)
    return newest.rows()


def _evaluate(scored: Scored, labels: Labels) -> Evaluation | None:
    if len(scored.rows) == 0:
        log.warning("no test part, no evaluation")
        return None
    evaluation = evaluate(scored, labels.windows)
    fields: dict[str, Any] = {"rows": evaluation.rows, "alerts": evaluation.alerts, "found": evaluation.found}
    log.info("evaluated", **fields, missed=evaluation.missed, false_alarms=evaluation.false_alarms)
    return evaluation
