"""What the producer reads from the environment."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from kafka_cluster.settings import KafkaSettings
from producer.series import Duplicates

_SPEED = re.compile(r"(\d+(?:\.\d+)?)x")
_RATE = re.compile(r"(\d+(?:\.\d+)?)/s")


class ReplaySettings(KafkaSettings):
    """What is replayed, which part of it, how fast, and under which keys."""

    dataset: Path = Path("var/data/dataset.json")
    replay_rate: float | None = Field(
        default=None, gt=0
    )  # records/s, also "50/s"; neither rate nor speed: as fast as it goes
    replay_speed: float | None = Field(default=None, gt=0)  # event time over real time; "300x": 5 minutes in a second
    replay_loop: bool = False  # start again at the end, in event time whole weeks later
    replay_resume: bool = False  # leave out, for each key, what the topic holds already: go on after an earlier run
    replay_from: dt.datetime | None = None  # the first instant, UTC where no zone is given
    replay_to: dt.datetime | None = None  # the instant before which it ends
    replay_history: float = Field(default=0.0, ge=0, le=1)  # share of the records that goes out unpaced, beforehand
    # The key of a record is the data set's name; with n keys, record i is keyed <name>-<i mod n>, so that one host's
    # series can show how partitions are shared.
    replay_keys: int = Field(default=1, ge=1)
    replay_duplicates: Duplicates = "refuse"  # what becomes of several samples at one instant
    replay_sort: bool = False  # put samples in order of time instead of refusing a file that is not
    heartbeat_file: Path | None = None

    @field_validator("replay_speed", "replay_rate", mode="before")
    @classmethod
    def _without_unit(cls, given: object, field: ValidationInfo) -> object:
        unit = _SPEED if field.field_name == "replay_speed" else _RATE
        match = unit.fullmatch(given.strip()) if isinstance(given, str) else None
        return match.group(1) if match else given

    @field_validator("replay_from", "replay_to")
    @classmethod
    def _in_utc(cls, instant: dt.datetime | None) -> dt.datetime | None:
        return instant.replace(tzinfo=dt.UTC) if instant is not None and instant.tzinfo is None else instant

    @model_validator(mode="after")
    def _one_pace(self) -> Self:
        if self.replay_rate is not None and self.replay_speed is not None:
            raise ValueError("REPLAY_RATE and REPLAY_SPEED exclude each other, set one")
        return self
