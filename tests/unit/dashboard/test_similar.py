"""Which earlier anomalies are like one, and which of them are the closest."""

from __future__ import annotations

from dashboard.anomalies import Judged
from dashboard.similar import similar
from kafka_cluster.records import Anomaly, Direction, Evidence, Judgement, Verdict
from tests.unit.dashboard.conftest import anomaly


def evidence(network: float, cpu: float, side: Direction = Direction.ABOVE) -> tuple[Evidence, ...]:
    return Evidence("network", 41.0, 1.0, network, side), Evidence("cpu", 2.0, 1.0, cpu, Direction.ABOVE)


def kept(*anomalies: Anomaly, said: dict[int, Judgement] | None = None) -> list[Judged]:
    verdicts = {number: Verdict(f"{number:032x}", verdict, "anna", 5) for number, verdict in (said or {}).items()}
    return [Judged(one, verdicts.get(int(one.id, 16)), 0) for one in anomalies]


def numbers(found: list[Judged]) -> list[int]:
    return [int(one.anomaly.id, 16) for one in found]


NOW = anomaly(9, evidence=evidence(0.9, 0.1))


def test_later_ones_and_itself_are_not_earlier() -> None:
    assert numbers(similar(NOW, kept(NOW, anomaly(10), anomaly(8)), 5).closest) == [8]


def test_another_metric_side_or_detector_is_another_kind() -> None:
    others = (
        anomaly(1, evidence=evidence(0.1, 0.9)),
        anomaly(2, evidence=evidence(0.9, 0.1, Direction.BELOW)),
        anomaly(3, detector="cusum"),
    )
    assert similar(NOW, kept(*others), 5).total == 0


def test_the_same_key_comes_first_then_the_same_shares_then_the_latest() -> None:
    found = similar(
        NOW,
        kept(
            anomaly(1, evidence=evidence(0.9, 0.1)),
            anomaly(2, evidence=evidence(0.6, 0.4)),
            anomaly(3, evidence=evidence(0.9, 0.1)),
            anomaly(4, key="host-2", evidence=evidence(0.9, 0.1)),
        ),
        4,
    )
    assert numbers(found.closest) == [3, 1, 2, 4]


def test_verdicts_are_counted_on_all_also_on_those_not_shown() -> None:
    said = {1: Judgement.TRUE_ALARM, 2: Judgement.FALSE_ALARM, 3: Judgement.FALSE_ALARM}
    found = similar(NOW, kept(*(anomaly(number) for number in (1, 2, 3, 4)), said=said), 1)
    assert (len(found.closest), found.total) == (1, 4)
    assert (found.verdicts[Judgement.TRUE_ALARM], found.verdicts[Judgement.FALSE_ALARM]) == (1, 2)


def test_an_anomaly_without_evidence_is_like_others_without() -> None:
    bare = anomaly(9, detector="silence", evidence=())
    assert numbers(similar(bare, kept(anomaly(1, detector="silence", evidence=())), 5).closest) == [1]
