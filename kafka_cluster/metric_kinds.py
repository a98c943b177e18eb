"""What a metric is: its kind, its name with the unit in it, what it tells, by which labels, and who serves it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product

OTHER = "other"  # what a label says of values beyond its bound
_NAME = re.compile(r"lab_[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Label:
    """A label that cannot have more than so many values: those of `values`, or else the first `limit` that come."""

    name: str
    values: tuple[str, ...] = ()
    limit: int = 32

    @property
    def bound(self) -> int:
        """How many values it has at most, OTHER among them."""
        return (len(self.values) or self.limit) + 1


@dataclass(frozen=True)
class Metric:
    """`by`: the programs that serve it. Base units: seconds, bytes, records; a counter's name ends in _total."""

    name: str
    help: str
    by: tuple[str, ...]
    labels: tuple[Label, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.endswith("_total") != isinstance(self, Counter):
            raise ValueError(f"{self.name}: not the name of a {type(self).__name__.lower()}")

    @property
    def known(self) -> list[tuple[str, ...]]:
        """The label values that can be told beforehand, so that they are served from the start."""
        return list(product(*(label.values for label in self.labels)))


@dataclass(frozen=True)
class Counter(Metric):
    """Only grows; 0 at the start of the program."""


@dataclass(frozen=True)
class Gauge(Metric):
    """Goes up and down; not served before it is first set."""


@dataclass(frozen=True)
class Histogram(Metric):
    """How many observations were at most so large: `buckets` are the bounds, ascending, without the infinite one."""

    buckets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.buckets or list(self.buckets) != sorted(set(self.buckets)):
            raise ValueError(f"{self.name}: buckets must ascend")
