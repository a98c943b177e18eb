"""A machine and a clock that do as told."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from kafka_cluster.clock import ManualClock
from producer.sources.machine import Traffic, Work


class JumpingClock(ManualClock):
    """Wall time that can be set, apart from the time since the start."""

    def __init__(self) -> None:
        super().__init__(1_000.0)
        self.set_by = 1_700_000_000.0

    def now(self) -> float:
        return super().now() + self.set_by

    def monotonic(self) -> float:
        return super().now()


@dataclass
class FakeMachine:
    """Counters as plain fields."""

    busy: Work = field(default_factory=lambda: Work(0.0, 0.0))
    disk: dict[str, Traffic] = field(default_factory=lambda: {"sda": Traffic(0, 0)})
    network: dict[str, Traffic] = field(default_factory=lambda: {"eth0": Traffic(0, 0)})
    lo: dict[str, Traffic] = field(default_factory=lambda: {"lo": Traffic(0, 0)})
    error: OSError | None = None

    def work(self) -> Work:
        if self.error:
            raise self.error
        return self.busy

    def memory_percent(self) -> float:
        return 40.0

    def swap_percent(self) -> float:
        return 1.0

    def load(self) -> float:
        return 0.5

    def disks(self) -> dict[str, Traffic]:
        return self.disk

    def networks(self) -> dict[str, Traffic]:
        return self.network

    def loopback(self) -> dict[str, Traffic]:
        return self.lo


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()
