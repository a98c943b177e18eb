from __future__ import annotations

import pytest

from dashboard.tail_metrics import Share, registered_metrics
from kafka_cluster.memory_registry import MemoryRegistry
from kafka_cluster.registry import UnknownSchemaError
from kafka_cluster.schemas import load_schema, metric_schema


def test_the_share_is_that_of_lately_and_whole_again_soon_after_a_burst() -> None:
    share = Share()
    assert share.note(1_000, 0) == 1.0
    assert share.note(2_000, 16_200) == pytest.approx(0.1)
    seen, last = 2_000, 0.1
    for _ in range(60):
        seen += 1_000
        last, before = share.note(seen, 0), last
        assert last >= before
    assert last == 1.0


def test_the_panels_are_the_numbers_of_the_registered_record_in_its_order() -> None:
    registry = MemoryRegistry()
    with pytest.raises(UnknownSchemaError):
        registered_metrics(registry, "metrics")
    registry.register("metrics-value", metric_schema(("disk", "cpu")))
    assert registered_metrics(registry, "metrics") == ("disk", "cpu")
    registry.register("events-value", load_schema("event"))
    assert registered_metrics(registry, "events") == ("id", "value", "latitude", "longitude")
