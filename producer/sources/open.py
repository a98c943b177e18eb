"""The source that the settings name."""

from __future__ import annotations

from kafka_cluster.clock import Clock
from kafka_cluster.errors import LabError
from producer.sources.host import HostSource
from producer.sources.settings import SourceSettings
from producer.sources.source import Source


def open_source(settings: SourceSettings, clock: Clock) -> Source:
    """Ready to be polled. Raises LabError for settings that it cannot be made of."""
    if settings.source == "host":
        return HostSource(settings.key, settings.metrics, settings.source_every_s, clock)
    raise LabError(f"SOURCE={settings.source}", "is no live source")
