"""What the training consumer reads from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kafka_cluster.settings import KafkaSettings, split_names


class TrainingSettings(KafkaSettings):
    """Which records, which features, which forest, and where the bundle goes."""

    # Metrics and time features, comma-separated; none: the metrics and off_hours, the published tutorial's set.
    training_features: str = ""
    training_fraction: float = Field(default=0.6, gt=0, le=1)  # share of the records, in event-time order
    training_trees: int = Field(default=100, ge=1)
    training_samples: int = Field(default=256, ge=2, le=65_536)  # records a tree is grown on, at most
    training_contamination: float = Field(default=0.02, gt=0, le=0.5)  # share of the training part above the threshold
    training_seed: int = Field(default=42, ge=0)
    training_min_rows: int = Field(default=100, ge=2)
    # Memory is bounded: past so many records, the newest by event time are kept (about 100 bytes each).
    training_max_rows: int = Field(default=2_000_000, ge=1_000)
    training_max_rejected: float = Field(default=0.05, ge=0, le=1)  # share of unusable records that still trains
    training_dataset: Path | None = None  # a dataset.json: units and labelled windows for the evaluation
    # Records that the topic will hold in all, or "dataset": so many as the data set has.
    training_wait_for: Annotated[int, Field(ge=2)] | Literal["dataset"] | None = None
    training_group: str = "training"
    models_dir: Path = Path("var/models")
    model_name: str = Field(default="cloudwatch", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    heartbeat_file: Path | None = None

    @model_validator(mode="after")
    def _wait_fits_in_memory(self) -> Self:
        if self.training_wait_for == "dataset" and self.training_dataset is None:
            raise ValueError("TRAINING_WAIT_FOR=dataset needs TRAINING_DATASET")
        if isinstance(self.training_wait_for, int) and self.training_wait_for > self.training_max_rows:
            raise ValueError("TRAINING_WAIT_FOR must be <= TRAINING_MAX_ROWS")
        return self

    @property
    def features(self) -> tuple[str, ...]:
        """The columns of the forest, in order."""
        return split_names(self.training_features) or (*self.metrics, "off_hours")
