"""All keyed detectors of a plan over the records of one partition: columns in, findings out.

What a panel finds depends on the records of its partition in their order, and on nothing else. It is kept while the
partition is; where that begins anew, it reads some records before again (consumer_prediction/panels.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from detectors import explain, silence
from detectors.catalogue import Judge
from detectors.config_file import matches
from detectors.explain import Entry
from detectors.key_names import KeyNames
from detectors.plan import Chart, Plan
from detectors.profile import Profile
from detectors.rules.engine import Alarm, Rules
from detectors.silence import Silence, Silent

Bools = npt.NDArray[np.bool_]
Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

CERTAIN, ALWAYS = 1.0, 0.5  # score and threshold of what is a fact: a rule, a silence
HOUR_MS = 3_600_000
RANKS = ("LOW", "MEDIUM", "HIGH")


class Finding(NamedTuple):
    """One alarm of a keyed detector."""

    address: int  # of the record it is about
    key: bytes
    time_ms: int
    detector: str
    score: float
    threshold: float
    severity: int  # position in explain.Severity
    evidence: list[Entry]
    sentence: str


@runtime_checkable
class Telling(Protocol):
    """A detector that has words of its own for a record of its last batch."""

    def say(self, row: int) -> str:
        """Such as `rises by 2.1 an hour`; the metric is its subject."""


class Records(NamedTuple):
    """n records of the partition, in order."""

    keys: Int64s
    times_ms: Int64s
    values: Float64s  # shape (n, metrics)
    addresses: Int64s
    name: Callable[[int], bytes]  # the key of a row

    def part(self, first: int, last: int) -> Records:
        """The records from `first` to before `last`."""
        its, name = slice(first, last), self.name
        columns = self.keys[its], self.times_ms[its], self.values[its], self.addresses[its]
        return Records(*columns, lambda row: name(first + row))


class Panel:
    """The detectors of one partition."""

    def __init__(self, plan: Plan, metrics: Sequence[str], before: Panel | None = None) -> None:
        """Detectors that `before`, of an earlier plan over the same metrics, has in the same words are kept."""
        self.plan, self._metrics = plan, tuple(metrics)
        self.names: KeyNames = KeyNames() if before is None else before.names
        self._applies = np.zeros((1, len(plan.charts) + 1), np.bool_)
        self.judges: dict[Chart, list[Judge]] = {}
        for chart in plan.charts:
            old = None if before is None else before.judges.get(chart)
            self.judges[chart] = old or [chart.judge() for _ in chart.metrics]
        self.rules, self.silence = self._rules_of(before), self._silence_of(before)
        for slot in range(len(self.names)):
            self._note(slot, self.names.of(slot))

    def judge(self, records: Records, profile: Profile) -> list[Finding]:
        """What n records say. `profile` is what is usual, for the words."""
        if len(records.keys) == 0:
            return []
        slots, new = self.names.note(records.keys)
        for row in new.tolist():
            self.names.add(records.name(row))
            self._note(int(slots[row]), records.name(row))
        found = self._told(records, slots)
        if self.rules is not None:
            alarms = self.rules.judge(
                records.keys, records.times_ms, records.values, lambda row: _text(records.name(row)), records.addresses
            )
            found += [self._ruled(alarm, records) for alarm in alarms]
        for at, chart in enumerate(self.plan.charts):
            found += self._charted(chart, records, np.flatnonzero(self._applies[slots, at]), profile)
        return found

    def overdue(self, now_ms: int) -> bool:
        """Whether `tick` would find anything."""
        return any(its.overdue(now_ms) for its in self._silences)

    def tick(self, now_ms: int) -> list[Finding]:
        """The stream is live and it is `now_ms` in its time: which keys are silent or absent by now."""
        told = [] if self.silence is None else self.silence.tick(now_ms)
        found = [self._silent(one, silence.DETECTOR, 1, one.sentence) for one in told]
        return found + [self._absent(alarm) for alarm in (self.rules.tick(now_ms) if self.rules else [])]

    def is_past(self, time_ms: int) -> bool:
        """Whether the stream's own time is past what a tick at `time_ms` has told."""
        return all(its.is_past(time_ms) for its in self._silences)

    @property
    def listens(self) -> bool:
        """Whether there is anything for `tick` to find."""
        return bool(self._silences)

    @property
    def _silences(self) -> list[Silence]:
        own = [] if self.silence is None else [self.silence]
        return own + ([] if self.rules is None else self.rules.silences)

    def warm(self) -> None:
        """Compile or load every kernel, before the first record."""
        for judges in self.judges.values():
            judges[0].warm()
        for part in (self.rules, self.silence):
            if part is not None:
                part.warm()

    def _note(self, slot: int, name: bytes) -> None:
        if slot >= len(self._applies):
            room = np.zeros((2 * len(self._applies) + slot, self._applies.shape[1]), np.bool_)
            room[: len(self._applies)] = self._applies
            self._applies = room
        listener = self.plan.silence
        patterns = [chart.keys for chart in self.plan.charts] + [() if listener is None else listener.keys]
        self._applies[slot] = [matches(_text(name), its) for its in patterns]

    def _rules_of(self, before: Panel | None) -> Rules | None:
        if before is not None and before.plan.rules == self.plan.rules:
            return before.rules
        return None if self.plan.rules is None else Rules(self.plan.rules, self._metrics)

    def _silence_of(self, before: Panel | None) -> Silence | None:
        how = self.plan.silence
        if before is not None and before.plan.silence == how:
            return before.silence
        return None if how is None else Silence(grace_ms=how.grace_ms, lateness_ms=how.lateness_ms)

    def _told(self, records: Records, slots: Int64s) -> list[Finding]:
        if self.silence is None:
            return []
        heard = self._applies[slots, -1]
        told = self.silence.observe(records.keys, records.times_ms, records.addresses, heard)
        return [self._silent(one, silence.DETECTOR, 1, one.sentence) for one in told]

    def _silent(self, one: Silent, detector: str, severity: int, sentence: str) -> Finding:
        name = self.names.find(one.key)
        return Finding(one.address, name, one.due_ms, detector, CERTAIN, ALWAYS, severity, [], sentence)

    def _absent(self, alarm: Alarm) -> Finding:
        assert alarm.silent is not None  # noqa: S101 - an alarm of absence has the silence that it is about
        return self._silent(alarm.silent, *_said_by(alarm), alarm.sentence)

    def _ruled(self, alarm: Alarm, records: Records) -> Finding:
        if alarm.silent is not None:
            return self._absent(alarm)
        detector, severity = _said_by(alarm)
        evidence: list[Entry] = [
            (fact.term.metric, fact.observed, fact.limit, 1 / len(alarm.facts), fact.side, None, None)
            for fact in alarm.facts
        ]
        address, name = int(records.addresses[alarm.row]), records.name(alarm.row)
        return Finding(address, name, alarm.time_ms, detector, CERTAIN, ALWAYS, severity, evidence, alarm.sentence)

    def _charted(self, chart: Chart, records: Records, rows: Int64s, profile: Profile) -> list[Finding]:
        """One finding for each record at which at least one metric alarms."""
        if len(rows) == 0:
            return []
        whole = len(rows) == len(records.keys)
        keys, times_ms = (records.keys, records.times_ms) if whole else (records.keys[rows], records.times_ms[rows])
        scores, alarms = np.empty((len(chart.metrics), len(rows))), np.zeros(len(rows), np.bool_)
        for at, (metric, judge) in enumerate(zip(chart.metrics, self.judges[chart], strict=True)):
            column = records.values[:, self._metrics.index(metric)]
            scores[at], alarmed = judge.judge(keys, times_ms, np.ascontiguousarray(column if whole else column[rows]))
            alarms |= alarmed
        strange = np.flatnonzero(alarms)
        if len(strange) == 0:
            return []
        return self._findings(chart, records, rows[strange], strange.tolist(), scores[:, strange].T, profile)

    def _findings(
        self, chart: Chart, records: Records, rows: Int64s, said: list[int], scores: Float64s, profile: Profile
    ) -> list[Finding]:
        """Of the strange `rows`, number `said` of what the detectors saw; `scores` has shape (n, metrics)."""
        judges = self.judges[chart]
        threshold = judges[0].decider.threshold
        order = np.argsort(-scores, axis=1, kind="stable")
        columns = [self._metrics.index(metric) for metric in chart.metrics]
        times_ms, values = records.times_ms[rows], records.values[rows]
        parts = [part[:, columns] for part in explain.compared(profile, times_ms, values)]
        parts.append(_shares(scores - threshold))
        # From here on in plain Python numbers: taking one at a time out of an array costs more than all the rest.
        each = zip(
            rows.tolist(), said, times_ms.tolist(), records.addresses[rows].tolist(), scores.max(axis=1).tolist(),
            order.tolist(), *(np.take_along_axis(part, order, 1).tolist() for part in parts), strict=True,
        )  # fmt: skip
        tellers = [one.detector if isinstance(one.detector, Telling) else None for one in judges]
        found = []
        for row, at, time_ms, address, score, places, observed, expected, side, low, high, share in each:
            names = [chart.metrics[place] for place in places]
            evidence = list(zip(names, observed, expected, share, side, low, high, strict=True))
            teller = tellers[places[0]]
            words = None if teller is None else teller.say(at)
            sentence = explain.single(evidence[0], time_ms // HOUR_MS % 24, chart.name, words)
            rank = _rank(score, threshold)
            key = records.name(row)
            found.append(Finding(address, key, time_ms, chart.name, score, threshold, rank, evidence, sentence))
        return found


def _said_by(alarm: Alarm) -> tuple[str, int]:
    """Name and severity of a rule."""
    return f"rules/{alarm.rule.name}", RANKS.index(alarm.rule.severity)


def _shares(over: Float64s) -> Float64s:
    """Each metric's part of what the scores are above the threshold, shape (n, metrics); alike where none is."""
    above = np.maximum(over, 0.0)
    total = above.sum(axis=1, keepdims=True)
    shares: Float64s = np.divide(above, total, out=np.full_like(above, 1 / above.shape[1]), where=total > 0)
    return shares


def _rank(score: float, threshold: float) -> int:
    """LOW in the lower third between threshold and 1, HIGH in the upper one."""
    return min(2, int(3 * (score - threshold) / (1 - threshold))) if score > threshold else 0


def _text(name: bytes) -> str:
    return name.decode(errors="replace")
