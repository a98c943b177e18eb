"""What the event generator reads from the environment."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, field_validator

from kafka_cluster.settings import KafkaSettings
from producer.event_walks import WalkPlan

_RATE = re.compile(r"(\d+(?:\.\d+)?)/s")


class EventSettings(KafkaSettings):
    """Whose events, how many, how fast, and what is strange about them."""

    event_keys: int = Field(default=10_000, ge=1, le=1_000_000)
    event_zipf: float = Field(default=0.0, ge=0, le=5)  # key i, from 1, has a share like i^-zipf; 0: all alike
    event_seed: int = Field(default=0, ge=0, lt=1 << 63)
    event_rate: float | None = Field(default=None, gt=0)  # events/s, also "50000/s"; not given: as fast as it goes
    event_seconds: float | None = Field(default=None, gt=0)  # ends after so long …
    event_records: int | None = Field(default=None, ge=1)  # … or so many; neither: when it is stopped
    event_start_ms: int | None = Field(default=None, ge=0)  # event time of the first event; not given: now
    event_step: float = Field(default=0.02, ge=0)  # standard deviation of a level's step from event to event
    event_noise: float = Field(default=1.0, ge=0)  # standard deviation of what is added to the level
    event_anomalies: float = Field(default=0.02, ge=0, le=1)  # chance of one anomaly in 200 events of a key
    event_labels: Path | None = None  # the anomalies that were put in, one JSON object a line
    event_positions: bool = False  # events have a latitude and a longitude, and are keyed by H3 cell
    event_resolution: int = Field(default=5, ge=0, le=15)  # of the cells
    event_outage_s: float | None = Field(default=None, gt=0)  # with positions: the cell of key 0 drops so late …
    event_outage_for_s: float = Field(default=10.0, gt=0)  # … in event time, for so long
    heartbeat_file: Path | None = None

    @field_validator("event_rate", mode="before")
    @classmethod
    def _without_unit(cls, given: object) -> object:
        match = _RATE.fullmatch(given.strip()) if isinstance(given, str) else None
        return match.group(1) if match else given

    def plan(self) -> WalkPlan:
        """What is generated."""
        return WalkPlan(
            self.event_keys, self.event_seed, self.event_zipf, self.event_step, self.event_noise, self.event_anomalies
        )
