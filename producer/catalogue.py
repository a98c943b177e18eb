"""The catalogue: what is known of the public CloudWatch series without having them."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from kafka_cluster.embedded.settings import CHECKOUT
from kafka_cluster.errors import LabError

CATALOGUE = CHECKOUT / "data" / "catalogue.toml"
DEFAULT_DATASET = "cloudwatch"


@dataclass(frozen=True)
class Entry:
    """One series: its path in the corpus (which is also the key of its labels), and facts to check it by.

    `unit` is that of the values ("bytes", "%", "count"), `records` the number of samples, `first` and `last` the
    instants (UTC) of the first and last sample, `sha256` that of the content with line ends normalised to LF.
    """

    path: str
    metric: str
    unit: str
    records: int
    first: datetime
    last: datetime
    sha256: str
    note: str = ""


@dataclass(frozen=True)
class Choice:
    """A metric of a data set and the series that it is read from."""

    name: str
    series: str


@dataclass(frozen=True)
class Origin:
    """Where the series are published, and under which licence; `period_s` is what one sample covers."""

    title: str
    kaggle: str
    kaggle_path: str
    homepage: str
    licence: str
    period_s: int

    def path_on_kaggle(self, entry: Entry) -> str:
        """The path of a series inside the data set on Kaggle."""
        folder, name = entry.path.rsplit("/", maxsplit=1)
        return self.kaggle_path.format(folder=folder, name=name)


@dataclass(frozen=True)
class Catalogue:
    """All series, and the named data sets that are chosen from them."""

    origin: Origin
    series: tuple[Entry, ...]
    datasets: dict[str, tuple[Choice, ...]]

    def entry(self, path: str) -> Entry:
        """The series at `path`. Raises LabError when the catalogue has none."""
        for entry in self.series:
            if entry.path == path:
                return entry
        raise LabError(path, "not in the catalogue", "`lab data list` shows what is")

    def chosen(self, dataset: str = DEFAULT_DATASET) -> tuple[tuple[Choice, Entry], ...]:
        """The metrics of a data set, in record order, each with its series."""
        return tuple((choice, self.entry(choice.series)) for choice in self.datasets[dataset])


@cache
def load(path: Path = CATALOGUE) -> Catalogue:
    """Read the catalogue. It is part of the checkout: anything wrong in it is a bug, not a user's error."""
    loaded: dict[str, Any] = tomllib.loads(path.read_text())
    return Catalogue(
        Origin(**loaded["origin"]),
        tuple(Entry(**entry) for entry in loaded["series"]),
        {
            name: tuple(Choice(**metric) for metric in dataset["metrics"])
            for name, dataset in loaded["datasets"].items()
        },
    )


def normalised(content: bytes) -> bytes:
    """The content with every line end as LF, as the catalogue's hashes are taken."""
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def matches(entry: Entry, content: bytes) -> bool:
    """True when the content is that of the series in the catalogue."""
    return hashlib.sha256(normalised(content)).hexdigest() == entry.sha256
