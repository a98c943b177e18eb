from __future__ import annotations

import numpy as np

from dashboard.keys import KeyTable
from dashboard.ring import Points


def take(table: KeyTable, *keys: str) -> None:
    count = len(keys)
    points = Points(np.arange(count, dtype=np.int64), np.arange(count, dtype=np.float64)[:, None], np.zeros(count))
    table.take(keys, [0] * count, points, 5.0)


def names(table: KeyTable, search: str = "", order: str = "name", limit: int = 10) -> list[str]:
    return [key for key, _ in table.find(search, order, limit)[0]]  # type: ignore[arg-type] # any of the orders


def test_each_key_has_its_own_points_in_their_order() -> None:
    table = KeyTable(10, 10, 1)
    take(table, "a", "b", "a")
    series = table.get("a")
    assert series is not None
    assert series.ring.since(0).values[:, 0].tolist() == [0.0, 2.0]
    assert (series.records, series.last_ms, series.seen_s) == (2, 2, 5.0)


def test_the_key_not_heard_of_for_longest_gives_way() -> None:
    table = KeyTable(2, 10, 1)
    take(table, "a", "b")
    take(table, "a")
    take(table, "c")
    assert names(table) == ["a", "c"]
    assert table.forgotten == 1


def test_keys_are_found_in_any_case_and_numbers_sort_as_numbers() -> None:
    table = KeyTable(10, 10, 1)
    take(table, "Host-10", "host-9", "other")
    assert names(table, "HOST") == ["host-9", "Host-10"] or names(table, "HOST") == ["Host-10", "host-9"]
    take(table, "host-10")
    assert [one for one in names(table, "host-") if one.startswith("h")] == ["host-9", "host-10"]


def test_orders_put_the_largest_first() -> None:
    table = KeyTable(10, 10, 1)
    take(table, "a", "b", "b")
    table.count_anomaly("a")
    assert names(table, order="records") == ["b", "a"]
    assert names(table, order="anomalies") == ["a", "b"]
    assert table.find("", "name", 1)[1] == 2
