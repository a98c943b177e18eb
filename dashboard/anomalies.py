"""The newest anomalies and what people said about them. Every change has a number, so that a page can catch up."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from kafka_cluster.records import Anomaly, Judgement, Severity, Verdict

VERDICTS_KEPT = 100_000  # also of anomalies that are not kept any more, or not read yet


@dataclass(frozen=True)
class Judged:
    """An anomaly and the verdict on it, if there is one. `change` is when either last changed."""

    anomaly: Anomaly
    verdict: Verdict | None
    change: int


@dataclass(frozen=True)
class Wanted:
    """Which anomalies: None stands for any."""

    key: str | None = None
    severity: Severity | None = None
    verdict: Judgement | None = None
    open_only: bool = False  # those without a verdict
    search: str = ""  # in key and reason, any case

    def matches(self, judged: Judged) -> bool:
        """True for one that is wanted."""
        anomaly, said = judged.anomaly, judged.verdict
        return (
            (self.key is None or anomaly.key == self.key)
            and (self.severity is None or anomaly.severity is self.severity)
            and (self.verdict is None or (said is not None and said.verdict is self.verdict))
            and (not self.open_only or said is None)
            and (self.search.casefold() in f"{anomaly.key} {anomaly.reason}".casefold())
        )


class AnomalyShelf:
    """At most `capacity` anomalies, by id; `dropped` of the older ones gave way. `change` is the last change."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._judged: OrderedDict[str, Judged] = OrderedDict()
        self._verdicts: OrderedDict[str, Verdict] = OrderedDict()
        self.change = self.dropped = 0

    def __len__(self) -> int:
        return len(self._judged)

    def put(self, anomaly: Anomaly) -> bool:
        """Take an anomaly in; False for one that is known already."""
        if anomaly.id in self._judged:
            return False
        self._set(anomaly, self._verdicts.get(anomaly.id))
        while len(self._judged) > self._capacity:
            self._judged.popitem(last=False)
            self.dropped += 1
        return True

    def judge(self, anomaly_id: str, verdict: Verdict | None) -> None:
        """Take a verdict in; None takes back what was said."""
        self._verdicts.pop(anomaly_id, None)
        if verdict is not None:
            self._verdicts[anomaly_id] = verdict
            while len(self._verdicts) > VERDICTS_KEPT:
                self._verdicts.popitem(last=False)
        known = self._judged.get(anomaly_id)
        if known is not None and known.verdict != verdict:
            self._set(known.anomaly, verdict)

    def get(self, anomaly_id: str) -> Judged | None:
        """One anomaly, if it is kept."""
        return self._judged.get(anomaly_id)

    def all(self) -> list[Judged]:
        """All that are kept, in the order of their last change."""
        return list(self._judged.values())

    def newest(self, wanted: Wanted, limit: int) -> tuple[list[Judged], int]:
        """The first `limit` of those wanted, the latest event time first, and how many there are in all."""
        found = [judged for judged in self._judged.values() if wanted.matches(judged)]
        found.sort(key=lambda judged: (-judged.anomaly.timestamp, judged.anomaly.id))
        return found[:limit], len(found)

    def since(self, change: int) -> list[Judged]:
        """What is new or has another verdict since that change, in the order of change."""
        if change >= self.change:
            return []
        return sorted((one for one in self._judged.values() if one.change > change), key=lambda one: one.change)

    def _set(self, anomaly: Anomaly, verdict: Verdict | None) -> None:
        self.change += 1
        self._judged[anomaly.id] = Judged(anomaly, verdict, self.change)
