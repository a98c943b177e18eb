"""What the tests of the codec share: a kernel that is compiled before the first of them."""

from __future__ import annotations

import pytest

from kafka_cluster.codec import MetricDecoder
from kafka_cluster.memory_registry import MemoryRegistry


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """Compile once, so that no example pays for it."""
    MetricDecoder(MemoryRegistry(), ()).warm()
