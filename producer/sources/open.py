"""The source that the settings name."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from kafka_cluster.clock import Clock
from kafka_cluster.errors import LabError
from producer.sources import series_file
from producer.sources.exporter import ExporterSource
from producer.sources.fetch import Fetcher, shown
from producer.sources.host import HostSource
from producer.sources.server import ServerSource
from producer.sources.settings import SourceSettings
from producer.sources.source import Source


def open_source(
    settings: SourceSettings,
    clock: Clock,
    *,
    held: Mapping[str, int] | None = None,
    transport: httpx2.BaseTransport | None = None,
) -> Source:
    """Ready to be polled. Raises LabError for settings that it cannot be made of.

    `held` are the latest instants, by key, that the topic has already; `transport` is for tests.
    """
    every_s = settings.source_every_s
    if settings.source == "host":
        return HostSource(settings.key, settings.metrics, every_s, clock)
    if settings.source_url is None or settings.source_series is None:
        raise LabError(f"SOURCE={settings.source}", "is no live source")
    wanted = settings.metrics if "metrics" in settings.model_fields_set else None
    file = series_file.read(settings.source_series, wanted)
    name = f"{settings.source} {shown(settings.source_url)}"
    fetcher = Fetcher(settings, name, clock, transport)
    if settings.source == "exporter":
        return ExporterSource(settings.source_url, name, file, settings.key, every_s, fetcher, clock)
    backfill_s = settings.source_backfill_s
    return ServerSource(
        settings.source_url, name, file, settings.key, every_s, fetcher, backfill_s=backfill_s, held=held
    )
