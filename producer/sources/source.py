"""What every live source is: asked again and again, it has records, or nothing yet, or is away.

A source never makes a record up: where a value is not known at an instant, the instant has no record. It keeps no
thread and never waits between two attempts; pace, retries and the heartbeat are those of `watch`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from kafka_cluster.errors import LabError


class Reading(NamedTuple):
    """One record to be."""

    key: str
    time_ms: int  # since the epoch, UTC
    values: tuple[float, ...]  # finite, one a metric of the source, in its order


class SourceAwayError(LabError):
    """The source does not answer, or not with what it should: try again later."""


class Source(Protocol):
    """A live source. Every kind passes tests/contract/test_sources.py."""

    name: str  # for people, such as `exporter http://127.0.0.1:9100/metrics`
    metrics: tuple[str, ...]

    @property
    def behind(self) -> bool:
        """True when there is more to be had at once than the last `poll` gave."""

    def poll(self) -> list[Reading]:
        """What is new since the last call, in the order of time; empty: nothing yet.

        Raises SourceAwayError when it cannot tell; the next call tries again. Raises LabError for what no waiting
        mends, such as a query that the server does not understand.
        """

    def close(self) -> None:
        """Let go of connections. A second call does nothing."""
