"""A Prometheus server as a source: its API evaluates a query a metric, now and, for the back-fill, in the past.

Instants lie on a grid of `every_s` by the server's own clock, so that what is filled in and what comes live are one
series. What is stale is the server's to say: a target that is away is gone from its answers after the next scrape.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from kafka_cluster.errors import LabError
from kafka_cluster.yaml_file import YamlFile
from producer.sources.assemble import Assembler, Sample
from producer.sources.fetch import Fetcher
from producer.sources.series_file import SeriesFile
from producer.sources.source import Reading, SourceAwayError

INSTANTS = 1_000  # of a request; a server gives 11,000 at most
OK = 200
NAME_LABEL = "__name__"


class ServerSource:
    """As many instants a look as are due."""

    def __init__(
        self,
        url: str,
        name: str,
        file: YamlFile[SeriesFile],
        key: str,
        every_s: float,
        fetcher: Fetcher,
        *,
        backfill_s: float = 0.0,
        held: Mapping[str, int] | None = None,
    ) -> None:
        """`held` are the latest instants, by key, that the topic has already: what is not later is left out."""
        self.name, self.metrics = name, tuple(file.value.metrics)
        self._api, self._file, self._fetcher = f"{url.rstrip('/')}/api/v1/", file, fetcher
        self._every_s, self._back = every_s, int(backfill_s // every_s)
        self._assembler, self._held = Assembler(file, key, every_s), held or {}
        self._next: int | None = None  # number of the instant on the grid
        self._newest = -1

    @property
    def behind(self) -> bool:
        """True while the past is being filled in."""
        return self._next is not None and self._next <= self._newest

    def poll(self) -> list[Reading]:
        """Every instant that is due: one, or with a back-fill also those that were missed. See Source."""
        self._newest = math.floor(self._now_s() / self._every_s)
        first = self._newest - self._back
        first = first if self._next is None else max(first, self._next)
        if first > self._newest:
            return []
        last = min(self._newest, first + INSTANTS - 1)
        found = {metric: self._range(metric, first, last) for metric in self.metrics}
        readings = []
        for number in range(first, last + 1):
            at_s = number * self._every_s
            samples = {metric: its.get(number, []) for metric, its in found.items()}
            readings += self._assembler.assemble(round(at_s * 1000), at_s, samples)
        self._next = last + 1  # only now: a request that failed is made again
        return [one for one in readings if one.time_ms > self._held.get(one.key, one.time_ms - 1)]

    def close(self) -> None:
        """Let go of the connection."""
        self._fetcher.close()

    def _now_s(self) -> float:
        """By the server's clock."""
        data = self._ask("query", {"query": "time()"}, None)
        try:
            return float(data["result"][1])
        except (KeyError, IndexError, TypeError, ValueError):
            raise SourceAwayError(self.name, "does not speak the API of a Prometheus server") from None

    def _range(self, metric: str, first: int, last: int) -> dict[int, list[Sample]]:
        """Samples by the number of their instant."""
        ends = {"start": f"{first * self._every_s:.3f}", "end": f"{last * self._every_s:.3f}"}
        query = self._file.value.metrics[metric].select
        data = self._ask("query_range", {"query": query, **ends, "step": f"{self._every_s:.3f}"}, metric)
        found: dict[int, list[Sample]] = {}
        try:
            for series in data["result"]:
                labels = tuple(sorted((name, value) for name, value in series["metric"].items() if name != NAME_LABEL))
                for at_s, value in series.get("values", ()):
                    found.setdefault(round(at_s / self._every_s), []).append(Sample(labels, float(value)))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise SourceAwayError(self.name, "does not speak the API of a Prometheus server") from None
        return found

    def _ask(self, what: str, params: dict[str, str], metric: str | None) -> dict[str, Any]:
        """The `data` of an answer. Raises SourceAwayError, and LabError for a query that is none."""
        answer = self._fetcher.get(self._api + what, params)
        try:
            said: dict[str, Any] = json.loads(answer.body)
            status, data = said["status"], said.get("data")
        except (ValueError, KeyError, TypeError):
            raise SourceAwayError(self.name, f"answers with status {answer.status}, and no JSON of the API") from None
        if status == "success" and answer.status == OK and isinstance(data, dict):
            return data
        error = str(said.get("error", f"status {answer.status}"))
        if said.get("errorType") == "bad_data" and metric is not None:
            raise self._bad_query(metric, error)
        raise SourceAwayError(self.name, f"cannot answer ({error})")

    def _bad_query(self, metric: str, error: str) -> LabError:
        return self._file.wrong(("metrics", metric, "select"), f"the server does not understand it: {error}")
