"""The producer: the replay of a data set, or a live source, as SOURCE says."""

from __future__ import annotations

from kafka_cluster.clock import Clock, Stop
from producer.run import run
from producer.settings import ReplaySettings
from producer.sources.run import watch
from producer.sources.settings import SourceSettings


def start(settings: SourceSettings, clock: Clock, stop: Stop) -> None:
    """Run until the end of the data, or the stop. Raises LabError."""
    if settings.source == "dataset":
        run(ReplaySettings.read(), clock, stop)
    else:
        watch(settings, clock, stop)
