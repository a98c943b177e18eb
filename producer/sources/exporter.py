"""A page of metrics in Prometheus's text format as a source: an exporter's, Telegraf's, a program's own."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample as PageSample

from kafka_cluster.clock import Clock
from kafka_cluster.yaml_file import YamlFile
from producer.sources import selector
from producer.sources.assemble import Assembler, Sample
from producer.sources.fetch import Fetcher
from producer.sources.rates import Steadiness
from producer.sources.selector import Selector
from producer.sources.series_file import SeriesFile
from producer.sources.source import Reading, SourceAwayError

ACCEPT = "text/plain;version=0.0.4"
STALE_S = 300.0  # a sample with a time of its own that is older does not count; Prometheus looks back so far
OK = 200


class ExporterSource:
    """One scrape a look. `every_s` is the time between two."""

    behind = False

    def __init__(
        self, url: str, name: str, file: YamlFile[SeriesFile], key: str, every_s: float, fetcher: Fetcher, clock: Clock
    ) -> None:
        """Raises LabError for a matcher that is none: file, line, field."""
        self.name, self.metrics = name, tuple(file.value.metrics)
        self._url, self._fetcher, self._clock = url, fetcher, clock
        self._selectors = {metric: _selector(file, metric) for metric in self.metrics}
        self._assembler, self._steadiness = Assembler(file, key, every_s), Steadiness(clock, every_s)

    def poll(self) -> list[Reading]:
        """One record a key, as of the time of the scrape. See Source."""
        if self._steadiness.jumped():
            self._assembler.forget()
        now, at_s = self._clock.now(), self._clock.monotonic()
        answer = self._fetcher.get(self._url, accept=ACCEPT)
        if answer.status != OK:
            raise SourceAwayError(self.name, f"answers with status {answer.status}")
        samples: dict[str, list[Sample]] = {metric: [] for metric in self.metrics}
        for one in self._page(answer.body):
            if one.timestamp is not None and float(one.timestamp) < now - STALE_S:
                continue
            for metric, chosen in self._selectors.items():
                if chosen.matches(one.name, one.labels):
                    samples[metric].append(Sample(tuple(sorted(one.labels.items())), float(one.value)))
        return self._assembler.assemble(round(now * 1000), at_s, samples)

    def close(self) -> None:
        """Let go of the connection."""
        self._fetcher.close()

    def _page(self, body: bytes) -> Iterator[PageSample]:
        """Without the page's comments: told of a counter, the parser would add `_total` to a name that lacks it."""
        try:
            lines = (line for line in body.decode().split("\n") if not line.lstrip().startswith("#"))
            for family in text_string_to_metric_families("\n".join(lines)):
                yield from family.samples
        except (ValueError, KeyError, IndexError) as error:  # whatever the parser stumbles over
            raise SourceAwayError(self.name, f"is no page of metrics ({error})") from None


def _selector(file: YamlFile[SeriesFile], metric: str) -> Selector:
    try:
        return selector.parse(file.value.metrics[metric].select)
    except ValueError as error:
        raise file.wrong(("metrics", metric, "select"), str(error)) from None
