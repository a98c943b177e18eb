"""The rules at work: records of many keys in columns, alarms out.

A rule looks at every record in order, or at every tumbling window that closes. Its condition is evaluated for all of
them at once; one pass then holds it for its time. What a rule says about a key depends on the key's records alone,
wherever batches begin. Cost a record: about 0.03 µs for the clock and for each rule, 0.1 µs for each sliding window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.config_file import shown_ms
from detectors.key_clock import CLOCK, DROPPED, LATE, NEVER, read_clocks
from detectors.keyed_state import Column, KeyedState, Snapshot
from detectors.rules.file import PANES, Rule, RuleBook
from detectors.rules.hold import STATE, hold_each
from detectors.rules.language import Comparison, Term
from detectors.rules.windows import COUNT, MAX, MIN, SUM, slide_each, tumble_each
from detectors.silence import Silence, Silent

Bools = npt.NDArray[np.bool_]
Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
Int8s = npt.NDArray[np.int8]


class Fact(NamedTuple):
    """One comparison that held."""

    term: Term
    observed: float  # in the metric's unit
    sign: str
    limit: float

    @property
    def side(self) -> int:
        """1 above the limit, -1 below, 0 at it."""
        return (self.observed > self.limit) - (self.observed < self.limit)

    def __str__(self) -> str:
        return f"{self.term} {self.observed:.4g} {self.sign} {self.limit:g}"


class Alarm(NamedTuple):
    """A rule has something to say."""

    row: int  # the record that made it due
    rule: Rule
    time_ms: int  # of the record, or the end of the window
    since_ms: int  # when its condition began to hold
    facts: tuple[Fact, ...]
    silent: Silent | None = None  # which key is absent; `row` is then -1

    @property
    def sentence(self) -> str:
        """Such as `cpu 93.1 > 90 for 12m`."""
        held_ms = self.time_ms - self.since_ms
        if self.silent is not None:
            return f"{self.rule.summary}: {self.silent.sentence}" if self.rule.summary else self.silent.sentence
        text = " and ".join(str(fact) for fact in self.facts) or "the condition holds"
        text += f" for {shown_ms(held_ms)}" if held_ms else ""
        return f"{self.rule.summary}: {text}" if self.rule.summary else text


@dataclass(frozen=True)
class Table:
    """What conditions are evaluated over: n records, or n closed windows."""

    rows: Int64s  # the record of each
    slots: Int64s
    times_ms: Int64s
    codes: Int8s
    column: Callable[[Term], Float64s]


class Rules:
    """The rules of a book over the keys of one stream (one partition)."""

    def __init__(self, book: RuleBook, metrics: Sequence[str]) -> None:
        self._metrics, self._lateness_ms = tuple(metrics), book.lateness_ms
        self._rules = [rule for rule in book.rules if rule.when.condition is not None]
        absent = [rule for rule in book.rules if rule.when.condition is None]
        self._absent = {rule.name: Silence(rule.when.for_ms, lateness_ms=book.lateness_ms) for rule in absent}
        self._all = [*self._rules, *absent]
        terms = {one.term for rule in self._rules for one in _comparisons(rule) if one.term.aggregate}
        self._sliding = sorted({(term.metric, term.window_ms) for term in terms if not term.tumbling})
        self._tumbling = sorted({term.window_ms for term in terms if term.tumbling})
        columns = {"clock": CLOCK, "applies": Column((len(self._all),), np.bool_)}
        for metric, length_ms in self._sliding:
            columns[f"panes {metric} {length_ms}"] = Column((PANES, 4))
            columns[f"newest {metric} {length_ms}"] = Column((), np.int64, NEVER)
        for length_ms in self._tumbling:
            room = book.lateness_ms // length_ms + 2
            columns[f"open {length_ms}"] = Column((room, len(self._metrics), 4))
            columns[f"oldest {length_ms}"] = Column((), np.int64, NEVER)
        columns |= {f"hold {rule.name}": STATE for rule in self._rules}
        self._state = KeyedState(**columns)
        self.late = self.dropped = 0  # records so far

    def judge(
        self,
        keys: Int64s,
        times_ms: Int64s,
        values: Float64s,
        name: Callable[[int], str],
        addresses: Int64s | None = None,
    ) -> list[Alarm]:
        """The alarms of n records, in order. `values` has shape (n, metrics), `name` tells a row's key as text.

        `addresses`, shape (n,), are the caller's words for the records; absences come with that of the last one.
        """
        if not self._all or len(keys) == 0:
            return []
        slots = self._slots(keys, name)
        codes, ages_ms = np.empty(len(keys), np.int8), np.empty(len(keys), np.int64)
        read_clocks(self._state["clock"], slots, times_ms, self._lateness_ms, codes, ages_ms)
        self.late += int((codes == LATE).sum())
        self.dropped += int((codes == DROPPED).sum())
        records = Table(
            np.arange(len(keys)), slots, times_ms, codes, self._records(slots, times_ms, values, codes, ages_ms)
        )
        tables = {0: records} | {length: self._closed(length, records, values) for length in self._tumbling}
        found = [alarm for rule in self._rules for alarm in self._alarms(rule, tables[rule.tumbling_ms])]
        return self._absences(keys, slots, times_ms, addresses) + sorted(found, key=lambda alarm: alarm.row)

    @property
    def silences(self) -> list[Silence]:
        """What listens for absent keys, one a rule."""
        return list(self._absent.values())

    def tick(self, now_ms: int) -> list[Alarm]:
        """The stream is live and it is `now_ms` in its time: what is absent by now, and was not told."""
        absent = [rule for rule in self._all if rule.name in self._absent]
        return [_absence(rule, silent) for rule in absent for silent in self._absent[rule.name].tick(now_ms)]

    def warm(self) -> None:
        """Compile or load the kernels, before the first record."""
        Silence().warm()
        state, zero, one = KeyedState(clock=CLOCK, hold=STATE), np.zeros(1, np.int64), np.zeros(1)
        codes, no = np.zeros(1, np.int8), np.zeros(1, np.bool_)
        state.slots(zero)
        read_clocks(state["clock"], zero, zero, 0, codes, zero.copy())
        hold_each(state["hold"], zero, zero, codes, no, no, 0, 0, 0, 0, no.copy(), zero.copy())
        slide_each(np.zeros((1, PANES, 4)), zero.copy(), zero, zero, one, codes, zero, 60_000, np.empty((1, 4)))
        tumble_each(
            np.zeros((1, 2, 1, 4)), zero.copy(), zero, zero, np.zeros((1, 1)), codes, 60_000, 0,
            zero.copy(), zero.copy(), np.empty((2, 1, 4)),
        )  # fmt: skip

    def snapshot(self) -> Snapshot:
        """What the records so far left behind."""
        absent = {
            f"{name}/{part}": array for name, its in self._absent.items() for part, array in its.snapshot().items()
        }
        return {**self._state.snapshot(), **absent}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there. Raises DetectorError for the snapshot of other rules."""
        rest = dict(snapshot)
        for name, silence in self._absent.items():
            its = [part for part in rest if part.startswith(f"{name}/")]
            silence.restore({part.removeprefix(f"{name}/"): rest.pop(part) for part in its})
        self._state.restore(rest)

    def _absences(self, keys: Int64s, slots: Int64s, times_ms: Int64s, addresses: Int64s | None) -> list[Alarm]:
        found = []
        for at, rule in enumerate(self._all):
            if (silence := self._absent.get(rule.name)) is not None:
                heard = self._state["applies"][slots, at]
                found += [_absence(rule, silent) for silent in silence.observe(keys, times_ms, addresses, heard)]
        return found

    def _slots(self, keys: Int64s, name: Callable[[int], str]) -> Int64s:
        before = len(self._state)
        slots = self._state.slots(keys)
        if len(self._state) > before:
            new = np.flatnonzero(slots >= before)
            found, first = np.unique(slots[new], return_index=True)
            applies = self._state["applies"]
            for slot, row in zip(found.tolist(), new[first].tolist(), strict=True):
                key = name(row)
                applies[slot] = [any(fnmatchcase(key, like) for like in rule.keys) for rule in self._all]
        return slots

    def _records(
        self, slots: Int64s, times_ms: Int64s, values: Float64s, codes: Int8s, ages_ms: Int64s
    ) -> Callable[[Term], Float64s]:
        columns = {name: np.ascontiguousarray(values[:, at]) for at, name in enumerate(self._metrics)}
        windows: dict[tuple[str, int], Float64s] = {}
        for metric, length_ms in self._sliding:
            out = windows[metric, length_ms] = np.empty((len(slots), 4))
            panes, newest = self._state[f"panes {metric} {length_ms}"], self._state[f"newest {metric} {length_ms}"]
            slide_each(panes, newest, slots, times_ms, columns[metric], codes, ages_ms, length_ms, out)

        def column(term: Term) -> Float64s:
            return _gathered(term, windows[term.metric, term.window_ms]) if term.aggregate else columns[term.metric]

        return cache(column)

    def _closed(self, length_ms: int, records: Table, values: Float64s) -> Table:
        windows, oldest = self._state[f"open {length_ms}"], self._state[f"oldest {length_ms}"]
        most = len(records.slots) * windows.shape[1]
        rows, ends_ms, out = np.empty(most, np.int64), np.empty(most, np.int64), np.empty((most, *windows.shape[2:]))
        closed = tumble_each(
            windows, oldest, records.slots, records.times_ms, values, records.codes,
            length_ms, self._lateness_ms, rows, ends_ms, out,
        )  # fmt: skip
        rows, ends_ms, out = rows[:closed], ends_ms[:closed], out[:closed]
        places = {name: at for at, name in enumerate(self._metrics)}
        in_order = np.zeros(closed, np.int8)
        column = cache(lambda term: _gathered(term, out[:, places[term.metric]]))
        return Table(rows, records.slots[rows], ends_ms, in_order, column)

    def _alarms(self, rule: Rule, table: Table) -> list[Alarm]:
        applies = self._state["applies"][table.slots, self._rules.index(rule)]
        begins = rule.condition.holds(table.column) & applies
        ends = (
            ~begins if rule.until is None or rule.until.condition is None else rule.until.condition.holds(table.column)
        )
        fired, since_ms = np.zeros(len(begins), np.bool_), np.zeros(len(begins), np.int64)
        hold_each(
            self._state[f"hold {rule.name}"], table.slots, table.times_ms, table.codes, begins, ends,
            rule.when.for_ms, 0 if rule.until is None else rule.until.for_ms, rule.gap_ms, rule.repeat_ms,
            fired, since_ms,
        )  # fmt: skip
        return [self._alarm(rule, table, int(at), int(since_ms[at])) for at in np.flatnonzero(fired)]

    def _alarm(self, rule: Rule, table: Table, at: int, since_ms: int) -> Alarm:
        facts = [
            Fact(one.term, float(table.column(one.term)[at]), one.sign, one.limit)
            for one in rule.condition.comparisons()
            if one.holds(lambda term: table.column(term)[at : at + 1])[0]
        ]
        return Alarm(int(table.rows[at]), rule, int(table.times_ms[at]), since_ms, tuple(facts))


def _absence(rule: Rule, silent: Silent) -> Alarm:
    return Alarm(-1, rule, silent.due_ms, silent.last_ms, (), silent)


def _gathered(term: Term, window: Float64s) -> Float64s:
    """The aggregate of a term from windows of shape (n, 4)."""
    if term.aggregate == "avg":
        mean: Float64s = window[:, SUM] / window[:, COUNT]  # a window is NaN, or a record is in it
        return mean
    one: Float64s = window[:, {"sum": SUM, "count": COUNT, "min": MIN, "max": MAX}[term.aggregate]]
    return one


def _comparisons(rule: Rule) -> list[Comparison]:
    until = [] if rule.until is None or rule.until.condition is None else rule.until.condition.comparisons()
    return [*rule.condition.comparisons(), *until]
