"""Where the data comes from: the first of a fixed order of places that has the series, and why that one.

The folder that was given, the cache, a NAB checkout beside the project, Kaggle, and last the generator, which is
always there. A folder that was given is never silently replaced by another place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kafka_cluster.dataset import DATASET_FILE
from kafka_cluster.errors import LabError
from producer import kaggle
from producer.catalogue import DEFAULT_DATASET, Catalogue, Entry
from producer.data_settings import DataSettings

Kind = Literal["given", "cache", "checkout", "kaggle", "generated"]
Fetch = Callable[..., object]


@dataclass(frozen=True)
class Source:
    """The place that was chosen; `root` is its folder (None: to be generated), `why` one sentence for people."""

    kind: Kind
    root: Path | None
    why: str


def resolve(settings: DataSettings, catalogue: Catalogue, *, fetch: Fetch = kaggle.fetch) -> Source:
    """Find the default data set. Raises LabError when a given folder lacks it."""
    entries = [entry for _, entry in catalogue.chosen(DEFAULT_DATASET)]
    if settings.lab_data is not None:
        return _given(settings.lab_data, entries)
    tried: list[str] = []
    return (
        _cache(settings, entries, tried)
        or _checkout(settings, entries, tried)
        or _kaggle(settings, catalogue, entries, tried, fetch)
        or Source("generated", None, f"generated (seed {settings.generator_seed}), because {_and(tried)}")
    )


def locate(root: Path, series: str) -> Path | None:
    """The file of a series under `root`: as in a NAB checkout, in its data folder, or as Kaggle's archive unpacks."""
    folder, _, name = series.rpartition("/")
    places = (root / "data" / series, root / series, root / folder / folder / name)
    return next((place for place in places if place.is_file()), None)


def has_all(root: Path, entries: Sequence[Entry]) -> bool:
    """True when every series is under `root`."""
    return all(locate(root, entry.path) for entry in entries)


def _given(given: Path, entries: Sequence[Entry]) -> Source:
    if given.name == DATASET_FILE or (given / DATASET_FILE).is_file():
        root = given.parent if given.name == DATASET_FILE else given
        return Source("given", root, f"from {root}, as given, described by its {DATASET_FILE}")
    if not given.is_dir():
        raise LabError(str(given), "no such folder", "correct --data (LAB_DATA), or leave it out")
    missing = [entry.path for entry in entries if locate(given, entry.path) is None]
    if missing:
        way_out = f"give a folder in NAB's layout, or one with a {DATASET_FILE} (data/README.md), or leave --data out"
        raise LabError(str(given), f"lacks {', '.join(missing)}", way_out)
    return Source("given", given, f"from {given}, as given")


def _cache(settings: DataSettings, entries: Sequence[Entry], tried: list[str]) -> Source | None:
    root = kaggle.cache_root(settings.lab_cache)
    if all(kaggle.cached(entry, settings.lab_cache) for entry in entries):
        return Source("cache", root, f"from the cache {root}, fetched earlier")
    tried.append("the cache does not have the series")
    return None


def _checkout(settings: DataSettings, entries: Sequence[Entry], tried: list[str]) -> Source | None:
    for root in settings.nab_checkouts:
        if has_all(root, entries):
            return Source("checkout", root, f"from the NAB checkout {root}, because {_and(tried)}")
    tried.append("there is no NAB checkout beside the project")
    return None


def _kaggle(
    settings: DataSettings, catalogue: Catalogue, entries: Sequence[Entry], tried: list[str], fetch: Fetch
) -> Source | None:
    if settings.lab_offline:
        tried.append("LAB_OFFLINE forbids trying Kaggle")
        return None
    try:
        fetch(catalogue, entries, settings.lab_cache, timeout_s=settings.lab_kaggle_timeout_s)
    except LabError as error:
        tried.append(f"Kaggle did not give them ({error.thing}: {error.reason})")
        return None
    root = kaggle.cache_root(settings.lab_cache)
    return Source("kaggle", root, f"from Kaggle ({catalogue.origin.kaggle}), because {_and(tried)}")


def _and(reasons: Sequence[str]) -> str:
    return ", and ".join([", ".join(reasons[:-1]), reasons[-1]] if len(reasons) > 1 else reasons)
