from __future__ import annotations

from dashboard.anomalies import AnomalyShelf, Wanted
from kafka_cluster.records import Judgement, Severity, Verdict
from tests.unit.dashboard.conftest import anomaly


def verdict(number: int, said: Judgement = Judgement.FALSE_ALARM) -> Verdict:
    return Verdict(f"{number:032x}", said, "anna", 5)


def ids(shelf: AnomalyShelf, wanted: Wanted) -> list[int]:
    return [int(one.anomaly.id, 16) for one in shelf.newest(wanted, 10)[0]]


def test_an_anomaly_read_twice_counts_once() -> None:
    shelf = AnomalyShelf(10)
    assert shelf.put(anomaly(1))
    change = shelf.change
    assert not shelf.put(anomaly(1))
    assert (len(shelf), shelf.change) == (1, change)


def test_a_verdict_may_come_before_its_anomaly() -> None:
    shelf = AnomalyShelf(10)
    shelf.judge(f"{1:032x}", verdict(1))
    shelf.put(anomaly(1))
    judged = shelf.get(f"{1:032x}")
    assert judged is not None
    assert judged.verdict == verdict(1)


def test_a_reader_is_told_of_each_anomaly_and_verdict_once() -> None:
    shelf = AnomalyShelf(10)
    shelf.put(anomaly(1))
    shelf.put(anomaly(2))
    change = shelf.change
    assert shelf.since(change) == []
    shelf.judge(f"{1:032x}", verdict(1))
    assert [one.anomaly.offset for one in shelf.since(change)] == [1]
    told = shelf.change
    shelf.judge(f"{1:032x}", verdict(1))  # the same again
    assert shelf.since(told) == []
    shelf.judge(f"{1:032x}", None)
    (taken_back,) = shelf.since(change)
    assert taken_back.verdict is None


def test_the_oldest_give_way_and_are_counted() -> None:
    shelf = AnomalyShelf(3)
    for number in range(5):
        shelf.put(anomaly(number))
    assert ids(shelf, Wanted()) == [4, 3, 2]
    assert shelf.dropped == 2


def test_filters_keep_what_is_asked_for() -> None:
    shelf = AnomalyShelf(10)
    shelf.put(anomaly(1, key="host-1"))
    shelf.put(anomaly(2, key="host-2", severity=Severity.LOW))
    shelf.judge(f"{1:032x}", verdict(1))
    assert ids(shelf, Wanted(key="host-2")) == [2]
    assert ids(shelf, Wanted(severity=Severity.HIGH)) == [1]
    assert ids(shelf, Wanted(verdict=Judgement.FALSE_ALARM)) == [1]
    assert ids(shelf, Wanted(verdict=Judgement.TRUE_ALARM)) == []
    assert ids(shelf, Wanted(open_only=True)) == [2]
    assert ids(shelf, Wanted(search="HOST-2")) == [2]
