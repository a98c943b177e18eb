"""Lay the data set ready: find the source, copy or generate the series, and describe them in dataset.json.

`python -m producer.prepare` is the one-shot of compose and the first step of the demo. Whoever finds a dataset.json
finds everything that it names: it goes away before the files under it change, and comes back last.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from kafka_cluster import log
from kafka_cluster.dataset import DATASET_FILE, Dataset, Metric, read
from kafka_cluster.errors import LabError
from kafka_cluster.program import program
from producer import generator, kaggle
from producer.catalogue import CATALOGUE, DEFAULT_DATASET, Catalogue
from producer.catalogue import load as load_catalogue
from producer.data_settings import DataSettings, PrepareSettings
from producer.files import holds, write_whole
from producer.load import load as load_rows
from producer.source import Fetch, Source, locate, resolve

WINDOWS_FILE = "labels/combined_windows.json"


def prepare(out: Path, settings: DataSettings, *, fetch: Fetch = kaggle.fetch) -> Dataset:
    """Lay the data set ready in `out`, in NAB's layout, and say where it came from and why.

    A second run that finds the same leaves every file as it is. Raises LabError when the given folder lacks the
    series, or `out` cannot be written.
    """
    if out.resolve() == CATALOGUE.parent:
        raise LabError(str(out), "is the lab's own folder, not one to lay data in", "set DATASET_DIR to another")
    catalogue = load_catalogue()
    source = resolve(settings, catalogue, fetch=fetch)
    if source.root is not None and (source.root / DATASET_FILE).is_file():
        if source.root.resolve() == out.resolve():
            return _told(read(out), out, changed=False)
        dataset, files = _described(source)
    elif source.root is None:
        dataset, files = _generated(source.why, settings)
    else:
        dataset, files = _from_corpus(source, source.root, catalogue)
    changed = _lay(out, dataset, files)
    return _told(read(out), out, changed=changed)


def write_generated(out: Path, seed: int, days: int) -> Dataset:
    """Write a generated data set to `out`, dataset.json included."""
    dataset, files = _generated(
        f"generated (seed {seed}), as asked for", DataSettings.read(generator_seed=seed, generator_days=days)
    )
    _lay(out, dataset, files)
    return read(out)


def _generated(why: str, settings: DataSettings) -> tuple[Dataset, dict[str, bytes]]:
    made = generator.generate(settings.generator_seed, settings.generator_days)
    metrics = tuple(
        Metric(name=name, file=f"data/{generator.series(name)}", series=generator.series(name), unit=unit)
        for name, unit in generator.UNITS.items()
    )
    dataset = Dataset(name="generated", source="generated", why=why, metrics=metrics, labels=WINDOWS_FILE)
    return dataset, generator.files(made)


def _from_corpus(source: Source, root: Path, catalogue: Catalogue) -> tuple[Dataset, dict[str, bytes]]:
    metrics = tuple(
        Metric(name=choice.name, file=f"data/{entry.path}", series=entry.path, unit=entry.unit)
        for choice, entry in catalogue.chosen(DEFAULT_DATASET)
    )
    files = {metric.file: _bytes(locate(root, metric.series) or root / metric.series) for metric in metrics}
    labels = _labels(root / WINDOWS_FILE, metrics)
    dataset = Dataset(
        name=DEFAULT_DATASET,
        source=source.kind,
        why=source.why,
        metrics=metrics,
        labels=WINDOWS_FILE if labels else None,
    )
    return dataset, files | labels


def _described(source: Source) -> tuple[Dataset, dict[str, bytes]]:
    """A data set that brings its own dataset.json."""
    assert source.root is not None  # noqa: S101 - for the type checker: only the generator has no root
    given = read(source.root)
    metrics = tuple(metric.model_copy(update={"file": f"data/{metric.series}"}) for metric in given.metrics)
    files = {new.file: _bytes(given.path(old)) for new, old in zip(metrics, given.metrics, strict=True)}
    labels = _labels(given.labels_path, metrics) if given.labels_path else {}
    update = {
        "source": source.kind,
        "why": source.why,
        "metrics": metrics,
        "labels": WINDOWS_FILE if labels else None,
    }
    return given.model_copy(update=update), files | labels


def _labels(path: Path, metrics: tuple[Metric, ...]) -> dict[str, bytes]:
    """The windows of these metrics only; nothing where the source has no labels."""
    if not path.is_file():
        return {}
    try:
        windows = json.loads(path.read_text())
        chosen = {metric.series: windows.get(metric.series, []) for metric in metrics}
    except (ValueError, AttributeError) as error:
        raise LabError(str(path), f"not a file of labelled windows ({error})", "see data/README.md") from None
    return {WINDOWS_FILE: generator.as_json(chosen)}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LabError(str(path), f"cannot be read ({error.strerror})") from None


def _lay(out: Path, dataset: Dataset, files: Mapping[str, bytes]) -> bool:
    """Write what differs, the description last, with the number of records; True when anything did."""
    stale = {path: content for path, content in files.items() if not holds(out / path, content)}
    if stale:
        (out / DATASET_FILE).unlink(missing_ok=True)
    for path, content in stale.items():
        write_whole(out / path, content)
    records = _count(dataset.model_copy(update={"root": out}))
    description = dataset.model_copy(update={"records": records}).to_json().encode()
    if not stale and holds(out / DATASET_FILE, description):
        return False
    write_whole(out / DATASET_FILE, description)
    return True


def _count(dataset: Dataset) -> int | None:
    try:
        return len(load_rows(dataset).times_ms)
    except LabError as error:  # whoever replays it will be told, and may know what to do about it
        log.get_logger().warning("records not counted", reason=str(error))
        return None


def _told(dataset: Dataset, out: Path, *, changed: bool) -> Dataset:
    log.get_logger().info(
        "data ready" if changed else "data ready already, left as it is",
        why=dataset.why,
        metrics=", ".join(f"{metric.name}={metric.series}" for metric in dataset.metrics),
        labels="yes" if dataset.labels else "none: the source has no labelled windows",
        out=str(out),
    )
    return dataset


main = program(PrepareSettings, lambda settings, *_: prepare(settings.dataset_dir, settings), stops=False)

if __name__ == "__main__":
    sys.exit(main())
