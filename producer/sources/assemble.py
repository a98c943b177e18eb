"""Samples of series to records: by key, counters to rates, several series combined, nothing made up.

Of each key and metric it is told apart: known; not known yet (a counter needs a second look); missing (no series, or
NaN or infinite). Missing is said once, and said when it ends; what stands for it is what the file says, by default
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from math import isfinite
from statistics import fmean
from typing import NamedTuple

from kafka_cluster.log import get_logger
from kafka_cluster.yaml_file import YamlFile
from producer.sources.rates import Rates
from producer.sources.series_file import Choice, SeriesFile
from producer.sources.source import Reading

log = get_logger()
COMBINED: dict[str, Callable[[Iterable[float]], float]] = {"sum": sum, "mean": fmean, "max": max, "min": min}


class Sample(NamedTuple):
    """One value of one series."""

    labels: tuple[tuple[str, str], ...]  # sorted
    value: float


class State(Enum):
    """Of a value that is no number."""

    NOT_YET = "not known yet"
    MISSING = "missing"


class Assembler:
    """Puts the samples of one instant together."""

    def __init__(self, file: YamlFile[SeriesFile], key: str, every_s: float) -> None:
        """`key` is that of all records where the file names no label."""
        self._file, self._key = file, key
        self._rates = Rates(every_s)
        self._missing: set[tuple[str, str]] = set()

    def forget(self) -> None:
        """Counters begin anew."""
        self._rates.forget()

    def assemble(self, time_ms: int, at_s: float, samples: Mapping[str, Sequence[Sample]]) -> list[Reading]:
        """The records of an instant; `samples` are those of each metric, `at_s` is the instant for rates.

        Raises LabError when the samples are not as the file says they are.
        """
        self._rates.begin_look()
        by_key: dict[str, dict[str, float | State]] = {}
        for metric, choice in self._file.value.metrics.items():
            for key, its in self._by_key(samples[metric]).items():
                by_key.setdefault(key, {})[metric] = self._value(metric, choice, key, its, at_s)
        if self._file.value.key is None:
            by_key.setdefault(self._key, {})  # none of its series is there
        self._missing = {one for one in self._missing if one[0] in by_key}
        found = [self._reading(key, time_ms, values) for key, values in by_key.items()]
        return [reading for reading in found if reading is not None]

    def _by_key(self, samples: Sequence[Sample]) -> dict[str, list[Sample]]:
        label, found = self._file.value.key, dict[str, list[Sample]]()
        for sample in samples:
            key = self._key if label is None else dict(sample.labels).get(label)
            if not key:
                shown = ", ".join(f"{name}={value!r}" for name, value in sample.labels) or "no labels"
                raise self._file.wrong(("key",), f"a series has no label {label!r}: it has {shown}", "name another one")
            found.setdefault(key, []).append(sample)
        return found

    def _value(self, metric: str, choice: Choice, key: str, samples: Sequence[Sample], at_s: float) -> float | State:
        if choice.combine is None and len(samples) > 1:
            way_out = "narrow it, or say combine: sum, mean, max or min"
            raise self._file.wrong(
                ("metrics", metric, "select"), f"finds {len(samples)} series of key {key!r}, not one", way_out
            )
        values = [sample for sample in samples if isfinite(sample.value)]
        if len(values) < len(samples):
            return State.MISSING
        known = self._per_second(metric, values, at_s) if choice.rate else [sample.value for sample in values]
        return COMBINED[choice.combine or "sum"](known) if known else State.NOT_YET

    def _per_second(self, metric: str, samples: Sequence[Sample], at_s: float) -> list[float]:
        """Empty while it is not known; a series that has just come counts from the next look on."""
        found, whole = [], True
        for sample in samples:
            counter = (metric, sample.labels)
            is_new = not self._rates.seen_before(counter)
            rate = self._rates.per_second(counter, sample.value, at_s)
            if rate is not None:
                found.append(rate)
            whole &= rate is not None or is_new  # without one that fell, the others would be too few
        return found if whole else []

    def _reading(self, key: str, time_ms: int, values: Mapping[str, float | State]) -> Reading | None:
        whole: list[float] = []
        for metric, choice in self._file.value.metrics.items():
            value = values.get(metric, State.MISSING)
            self._say(key, metric, choice, is_missing=value is State.MISSING)
            if value is State.MISSING and choice.missing != "skip":
                value = float(choice.missing)
            if not isinstance(value, State):
                whole.append(value)
        return Reading(key, time_ms, tuple(whole)) if len(whole) == len(self._file.value.metrics) else None

    def _say(self, key: str, metric: str, choice: Choice, *, is_missing: bool) -> None:
        if is_missing and (key, metric) not in self._missing:
            self._missing.add((key, metric))
            sent = "no record" if choice.missing == "skip" else f"a record with {choice.missing:g}"
            log.warning("metric missing", key=key, metric=metric, sent=sent)
        elif not is_missing and (key, metric) in self._missing:
            self._missing.remove((key, metric))
            log.info("metric there again", key=key, metric=metric)
