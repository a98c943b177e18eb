"""What the history consumer reads from the environment."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from consumer_history.cassandra_settings import CassandraSettings
from detectors.cusum import DECISION, REFERENCE, SLACK
from detectors.last_values import DEPTH
from kafka_cluster.member import MemberSettings

StoreKind = Literal["memory", "rows", "chunks", "baseline"]
KeyKind = Literal["id", "key", "cell"]


class HistorySettings(MemberSettings, CassandraSettings):
    """Where events are kept, what a key is, what is checked, and when checks are left out."""

    history_group: str = "history"
    # Rows and chunks are tables in Cassandra. Memory keeps nothing but the last values, which are rebuilt from the
    # topic. Baseline is the published system's way, to measure against.
    history_store: StoreKind = "chunks"
    history_key: KeyKind = "id"  # whose history: the field id, the Kafka key, or the H3 cell of the position
    history_resolution: int = Field(default=5, ge=0, le=15)  # of the cells
    history_batch: int = Field(default=50_000, ge=1, le=1_000_000)  # events stored and committed together, at most
    history_poll_s: float = Field(default=0.02, gt=0, le=10)  # how long a batch waits to fill
    # States are saved this many events of a partition apart, or four for each value of the state where that is more.
    history_state_every: int = Field(default=262_144, ge=1)
    history_log_limit: int = Field(default=20, ge=0)  # anomalies of a batch that get a log event of their own

    check_probability: float = Field(default=1.0, ge=0, le=1)  # share of the events that are checked, also "1/50"
    check_depth: int = Field(default=DEPTH, ge=5, le=10_000)  # values a check looks at, the event's own among them
    check_reference: int = Field(default=REFERENCE, ge=3)  # oldest of them, which are judged against and not judged
    check_slack: float = Field(default=SLACK, ge=0)  # k of the CUSUM, in standard deviations
    check_decision: float = Field(default=DECISION, gt=0)  # h of the CUSUM, in standard deviations

    # From this lag on fewer events are checked, in a straight line down to none at ten times the lag; every event is
    # stored all the same. Not given: no check is ever left out. What is left out depends on the load, so that two runs
    # do not find the same.
    shed_from_s: float | None = Field(default=None, gt=0)  # age of the newest event taken
    shed_from_records: int | None = Field(default=None, ge=1)  # committed behind the end of the partitions held

    @property
    def group(self) -> str:
        """Name of the consumer group."""
        return self.history_group

    @field_validator("check_probability", mode="before")
    @classmethod
    def _fraction(cls, given: object) -> object:
        over, slash, under = given.partition("/") if isinstance(given, str) else ("", "", "")
        return int(over) / int(under) if slash and over.isdecimal() and under.isdecimal() and int(under) else given

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.check_reference >= self.check_depth:
            raise ValueError("CHECK_REFERENCE must be below CHECK_DEPTH")
        return self
