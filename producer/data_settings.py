"""The settings of everything that finds, fetches or makes data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from kafka_cluster.embedded.settings import CHECKOUT, AbsolutePath
from kafka_cluster.settings import Settings

BESIDE = (CHECKOUT.parent / "NAB", CHECKOUT.parent / "shared" / "nab")


class DataSettings(Settings):
    """Where data may come from."""

    lab_data: AbsolutePath | None = None  # a folder in NAB's layout or with a dataset.json; then nothing else is tried
    lab_cache: AbsolutePath = Field(default_factory=lambda: platformdirs.user_cache_path("kafka-anomaly-lab"))
    nab_checkouts: Annotated[tuple[Path, ...], NoDecode] = BESIDE  # separated as in PATH
    lab_kaggle_timeout_s: float = Field(default=10.0, gt=0)  # for the whole attempt
    lab_offline: bool = False  # do not try Kaggle
    generator_seed: int = Field(default=7, ge=0)
    generator_days: int = Field(default=14, ge=3, le=3660)

    @field_validator("nab_checkouts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.split(os.pathsep)) if isinstance(value, str) else value


class PrepareSettings(DataSettings):
    """What `python -m producer.prepare` reads."""

    dataset_dir: Path = Path("var/data")  # where the producer looks unless told otherwise
