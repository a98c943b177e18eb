"""A data set: which file holds which metric, in what unit, and where the labels are.

`dataset.json` describes one; the producer replays what it names, and the training consumer reads the labelled
windows through it. Paths in it are relative to its own folder, so that the folder can be moved or mounted anywhere.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kafka_cluster.errors import LabError

DATASET_FILE = "dataset.json"

Window = tuple[int, int]  # first and last millisecond since the epoch, both inside


def _relative(path: str) -> str:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError("must be a path relative to the folder of dataset.json, inside it")
    return path


RelativePath = Annotated[str, AfterValidator(_relative)]


class Metric(BaseModel):
    """One column of the record: its name, its CSV file, the key of its labels, and its unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")  # what Avro allows as the name of a field
    file: RelativePath
    series: RelativePath  # it becomes a path too, where the data set is laid ready
    unit: str


class Dataset(BaseModel):
    """The metrics in record order, where they come from and why, and the labels if there are any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    why: str
    metrics: tuple[Metric, ...] = Field(min_length=1)
    labels: RelativePath | None
    records: int | None = None  # rows that the merged series give; None where nobody has counted yet
    root: Path = Field(default=Path(), exclude=True)

    def path(self, metric: Metric) -> Path:
        """Where the metric's CSV file is."""
        return self.root / metric.file

    @property
    def labels_path(self) -> Path | None:
        """Where the labelled windows are; None when the data set has no labels."""
        return None if self.labels is None else self.root / self.labels

    def to_json(self) -> str:
        """The text of `dataset.json`."""
        return self.model_dump_json(indent=2) + "\n"


def read(path: Path) -> Dataset:
    """Read `dataset.json`, or the one in the folder `path`. Raises LabError, naming the field that is wrong."""
    file = path / DATASET_FILE if path.is_dir() else path
    try:
        loaded = Dataset.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise LabError(str(file), "no such file", "run `python -m producer.prepare`") from None
    except OSError as error:
        raise LabError(str(file), f"cannot be read ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = f"{field}: {first['msg']}" if field else first["msg"]
        raise LabError(str(file), reason, "data/README.md tells the format") from None
    names = [metric.name for metric in loaded.metrics]
    if len(set(names)) < len(names):
        raise LabError(str(file), "two metrics have the same name", "give each its own")
    return loaded.model_copy(update={"root": file.parent})


def windows(dataset: Dataset) -> dict[str, list[Window]]:
    """The labelled windows of each metric, both ends inside; empty lists when there are no labels.

    Raises LabError when the label file that the data set names is missing or not in NAB's layout.
    """
    path = dataset.labels_path
    if path is None:
        return {metric.name: [] for metric in dataset.metrics}
    by_series = read_windows(path)
    return {metric.name: by_series.get(metric.series, []) for metric in dataset.metrics}


def read_windows(path: Path) -> dict[str, list[Window]]:
    """Read a `combined_windows.json`: windows by series. Raises LabError when it is missing or malformed."""
    try:
        loaded = json.loads(path.read_text())
        return {series: [(_ms(start), _ms(end)) for start, end in pairs] for series, pairs in loaded.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise LabError(str(path), f"not a file of labelled windows ({error})", "see data/README.md") from None


def _ms(instant: str) -> int:
    # Labels are written without a zone, as UTC, some with fractions of a second.
    return round(datetime.fromisoformat(instant).replace(tzinfo=UTC).timestamp() * 1000)
