"""What a run committed, against what an undisturbed run on the same records committed: lost, duplicated, out of order.

A record is known by its key and its own timestamp, not by its offset: two runs write their records in one order a key,
but not in one order a partition. Knows no Kafka.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import NamedTuple

from kafka_cluster.records import Anomaly

Identity = tuple[str | None, int]  # key and timestamp of the record
Letters = Counter[bytes | None]  # original bytes, how often


@dataclass(frozen=True)
class Committed:
    """What a reader of the committed records sees: anomalies in the order of their topic's partitions, and letters."""

    anomalies: tuple[Anomaly, ...]
    letters: Letters


class Differences(NamedTuple):
    """Anomalies and dead letters together."""

    lost: int
    duplicated: int
    out_of_order: int  # anomalies that stand behind a later record of the same key
    foreign: int  # neither expected nor a repetition: a wrong score, a wrong record


def compare(expected: Sequence[Iterable[Anomaly]], letters: Letters, found: Committed) -> Differences:
    """`expected` are the anomalies of an undisturbed run, for each model that scored, in the order of their use.

    With two models each record is judged by one of them, and in each partition the second one takes over at one
    record; where that was is read off the anomalies found, in favour of the run.
    """
    seen = Counter(_identity(anomaly) for anomaly in found.anomalies)
    facts = {_identity(anomaly): _facts(anomaly) for anomaly in found.anomalies}
    wanted = _wanted([{_identity(anomaly): _facts(anomaly) for anomaly in each} for each in expected], facts)
    right = {identity for identity, fact in wanted.items() if facts.get(identity) == fact}
    return Differences(
        lost=len(wanted) - len(right) + sum((letters - found.letters).values()),
        duplicated=sum(count - 1 for count in seen.values()) + _repeated(letters, found.letters),
        out_of_order=_out_of_order(found.anomalies),
        foreign=len(facts.keys() - right) + sum(1 for letter in found.letters if letter not in letters),
    )


def _identity(anomaly: Anomaly) -> Identity:
    return anomaly.key, anomaly.timestamp


def _facts(anomaly: Anomaly) -> Anomaly:
    """Everything but the address, which differs between two runs."""
    return anomaly._replace(id="", topic="", partition=0, offset=0)


def _repeated(letters: Letters, found: Letters) -> int:
    return sum(count for letter, count in (found - letters).items() if letter in letters)


def _out_of_order(anomalies: Iterable[Anomaly]) -> int:
    by_key = sorted(anomalies, key=lambda anomaly: str(anomaly.key))  # stable: the order within a key stays
    return sum(
        later.offset < earlier.offset or later.partition != earlier.partition
        for _, of_key in groupby(by_key, key=lambda anomaly: str(anomaly.key))
        for earlier, later in pairwise(of_key)
    )


def _wanted(expected: list[dict[Identity, Anomaly]], found: dict[Identity, Anomaly]) -> dict[Identity, Anomaly]:
    """What must be there: one model's anomalies, or, of two, the first's before the change and the second's after.

    Timestamps rise along a key, so the place of the change is, for each key, a timestamp; the one is taken at which
    the fewest anomalies would be missing.
    """
    if len(expected) == 1:
        return expected[0]
    before, after = (_by_key(each) for each in expected)
    wanted: dict[Identity, Anomaly] = {}
    for key in before.keys() | after.keys():
        wanted |= _best_change(before.get(key, {}), after.get(key, {}), found)
    return wanted


def _by_key(anomalies: dict[Identity, Anomaly]) -> dict[str | None, dict[Identity, Anomaly]]:
    by_key: dict[str | None, dict[Identity, Anomaly]] = {}
    for identity, fact in anomalies.items():
        by_key.setdefault(identity[0], {})[identity] = fact
    return by_key


def _best_change(
    before: dict[Identity, Anomaly], after: dict[Identity, Anomaly], found: dict[Identity, Anomaly]
) -> dict[Identity, Anomaly]:
    """The expected anomalies of one key, for the change that explains most of what was found."""
    missing: Counter[int] = Counter()  # by timestamp: how many more are missing when the change is just behind it
    for identity, fact in before.items():
        missing[identity[1]] += found.get(identity) != fact
    for identity, fact in after.items():
        missing[identity[1]] -= found.get(identity) != fact
    count = best = 0
    best_change = float("-inf")  # the second model from the first record on
    for time in sorted(missing):
        count += missing[time]
        if count < best:
            best, best_change = count, float(time)
    return {i: fact for i, fact in before.items() if i[1] <= best_change} | {
        i: fact for i, fact in after.items() if i[1] > best_change
    }
