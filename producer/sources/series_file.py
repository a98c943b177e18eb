"""series.yaml: which series is which metric. docs/how-to/sources.md explains it for people."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator

from kafka_cluster import yaml_file
from kafka_cluster.errors import LabError
from kafka_cluster.yaml_file import YamlFile

Combine = Literal["sum", "mean", "max", "min"]


class Choice(BaseModel):
    """The series that make one metric."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    select: str = Field(min_length=1)  # a matcher; for a server any PromQL
    rate: StrictBool = False  # it counts: its increase a second is the metric
    combine: Combine | None = None  # of several series of one key; None: there may be one alone
    # What stands for a series that is not there, or is NaN: nothing, and the record is not sent, or a number.
    missing: Literal["skip"] | float = "skip"

    @field_validator("missing", mode="before")
    @classmethod
    def _skip_or_a_number(cls, given: object) -> object:
        is_number = isinstance(given, int | float) and not isinstance(given, bool) and isfinite(given)
        if given != "skip" and not is_number:
            raise ValueError("must be skip, or a number that stands for what is missing")
        return given


class SeriesFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str | None = Field(default=None, min_length=1)  # label that keys the records; None: one key for all
    metrics: dict[Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], Choice] = Field(min_length=1)


def read(path: Path, wanted: tuple[str, ...] | None) -> YamlFile[SeriesFile]:
    """The file, its metrics in the order of `wanted`; None: in their own. Raises LabError: file, line, field."""
    found = yaml_file.read(path, SeriesFile)
    metrics = found.value.metrics
    if wanted is None:
        return found
    for name in wanted:
        if name not in metrics:
            way_out = f"it has {', '.join(metrics)}; set METRICS to these, or to some of them"
            raise LabError(f"metric {name!r} of METRICS", f"is not in {found.file}", way_out)
    chosen = found.value.model_copy(update={"metrics": {name: metrics[name] for name in wanted}})
    return YamlFile(chosen, found.file, found._node)  # noqa: SLF001 - the same file with fewer metrics
