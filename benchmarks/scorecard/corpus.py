"""Series on disk in the benchmark's layout: `<folder>/<series>.csv` with timestamp and value; labels are apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from kafka_cluster.errors import LabError

Bools = npt.NDArray[np.bool_]
Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Series:
    """One series as it was recorded: in file order, repeated instants and all."""

    file: Path
    stamps: list[str]  # as written
    times_ms: Int64s  # shape (n,), UTC
    values: Float64s  # shape (n,)

    @property
    def folder(self) -> str:
        """The folder it lies in."""
        return self.file.parent.name

    @property
    def name(self) -> str:
        """The file's name without .csv."""
        return self.file.stem

    @property
    def key(self) -> str:
        """What the labels call it."""
        return f"{self.folder}/{self.name}.csv"

    @property
    def days(self) -> float:
        """How long it lasts."""
        return float(self.times_ms.max() - self.times_ms.min()) / 86_400_000


def read_corpus(data: Path) -> list[Series]:
    """Every series under `data`, by folder and name. Raises LabError for what is no such corpus."""
    files = sorted(data.glob("*/*.csv"))
    if not files:
        way_out = "it should hold <folder>/<series>.csv, as the data folder of the benchmark does"
        raise LabError(str(data), "no series in it", way_out)
    return [_read(file) for file in files]


def _read(file: Path) -> Series:
    try:
        frame = pd.read_csv(file, dtype={"timestamp": str}, usecols=["timestamp", "value"])
        values = frame["value"].to_numpy(np.float64)
        times_ms = pd.to_datetime(frame["timestamp"]).to_numpy().astype("datetime64[ms]").astype(np.int64)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise LabError(str(file), f"not a series of timestamp and value ({reason})", "see data/README.md") from None
    if not len(frame):
        raise LabError(str(file), "a header and no records", "remove it or fetch it again")
    return Series(file, frame["timestamp"].tolist(), times_ms, values)
