"""The language of conditions: text to a tree that is evaluated over columns.

    rule      = condition ["for" duration] | "absent for" duration
    condition = both {"or" both}          both = one {"and" one}          one = ["not"] ("(" condition ")" | comparison)
    comparison = term (">" | ">=" | "<" | "<=" | "==" | "!=") number
    term      = metric | ("avg" | "min" | "max" | "sum" | "count") "(" metric "," duration ["tumbling"] ")"

A window slides, unless it says that it tumbles. Durations are whole numbers with ms, s, m, h or d.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.config_file import DURATION, UNITS_MS, shown_ms

Bools = npt.NDArray[np.bool_]
Float64s = npt.NDArray[np.float64]

AGGREGATES = ("avg", "min", "max", "sum", "count")
OPERATORS: dict[str, Callable[[Float64s, float], Bools]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
WORDS = ("and", "or", "not", "for", "absent", "tumbling", *AGGREGATES)
_TOKEN = re.compile(
    r"\s*(?:(?P<duration>\d+(?:ms|s|m|h|d)\b)|(?P<number>[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][\w.-]*)|(?P<sign>>=|<=|==|!=|[><(),]))"
)


class SyntaxFault(ValueError):  # noqa: N818 - it becomes a ConfigError once file and line are known
    """A condition that cannot be read; says where."""


class Term(NamedTuple):
    """What a comparison looks at: a metric as it is, or gathered over a window."""

    metric: str
    aggregate: str = ""  # none: the value of the record
    window_ms: int = 0
    tumbling: bool = False

    def __str__(self) -> str:
        if not self.aggregate:
            return self.metric
        return f"{self.aggregate}({self.metric}, {shown_ms(self.window_ms)}{' tumbling' if self.tumbling else ''})"


class Comparison(NamedTuple):
    """A term against a number."""

    term: Term
    sign: str
    limit: float

    def comparisons(self) -> list[Comparison]:
        """Itself."""
        return [self]

    def holds(self, column: Callable[[Term], Float64s]) -> Bools:
        """Shape (n,). What is not known (NaN) does not hold."""
        values = column(self.term)
        return OPERATORS[self.sign](values, self.limit) & ~np.isnan(values)


@dataclass(frozen=True)
class Combined:
    """Conditions joined by `and`, `or`, or one behind `not`."""

    word: str
    parts: tuple[Condition, ...]

    def comparisons(self) -> list[Comparison]:
        """All there are in it, from left to right."""
        return [one for part in self.parts for one in part.comparisons()]

    def holds(self, column: Callable[[Term], Float64s]) -> Bools:
        """Shape (n,). `not` of what is not known does not hold either."""
        first, *rest = (part.holds(column) for part in self.parts)
        if self.word == "not":
            known = [~np.isnan(column(one.term)) for one in self.comparisons()]
            return reduce(np.logical_and, known, ~first)
        return reduce(np.logical_and if self.word == "and" else np.logical_or, rest, first)


Condition = Comparison | Combined


class Clause(NamedTuple):
    """A condition and how long it has to hold; no condition: the key has to be absent so long."""

    condition: Condition | None
    for_ms: int


class _Token(NamedTuple):
    kind: str  # duration, number, name, sign or end
    text: str
    at: int  # column, from 1


def parse(text: str, metrics: Sequence[str]) -> Clause:
    """The clause of a text. Raises SyntaxFault."""
    return _Parser(_tokens(text), metrics).clause()


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            raise SyntaxFault(f"column {len(text) - len(rest) + 1}: {rest[:12]!r} is not understood")
        kind = str(match.lastgroup)
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
        at = match.end()
    return [*found, _Token("end", "the end", len(text) + 1)]


class _Parser:
    """Recursive descent over the tokens of one clause."""

    def __init__(self, tokens: list[_Token], metrics: Sequence[str]) -> None:
        self._tokens, self._metrics, self._next = tokens, metrics, 0

    def clause(self) -> Clause:
        if self._took("absent"):
            self._need("for")
            found = Clause(None, self._duration())
        else:
            condition = self._any()
            found = Clause(condition, self._duration() if self._took("for") else 0)
        if self._now.kind != "end":
            raise self._fault("nothing more, or `and`, `or`, `for`")
        return found

    @property
    def _now(self) -> _Token:
        return self._tokens[self._next]

    def _any(self) -> Condition:
        return self._joined("or", self._all)

    def _all(self) -> Condition:
        return self._joined("and", self._one)

    def _joined(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._took(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Combined(word, tuple(parts))

    def _one(self) -> Condition:
        if self._took("not"):
            return Combined("not", (self._one(),))
        if self._took("("):
            inner = self._any()
            self._need(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        term, sign = self._term(), self._now
        if sign.text not in OPERATORS:
            raise self._fault("a comparison such as `>`")
        self._next += 1
        return Comparison(term, sign.text, self._number())

    def _term(self) -> Term:
        token = self._now
        if token.text in AGGREGATES and self._tokens[self._next + 1].text == "(":
            self._next += 2
            metric = self._metric()
            self._need(",")
            window_ms = self._duration()
            tumbling = self._took("tumbling")
            self._need(")")
            return Term(metric, token.text, window_ms, tumbling)
        return Term(self._metric())

    def _metric(self) -> str:
        token = self._take("name", "a metric")
        if token.text not in self._metrics:
            known = f"known: {', '.join(self._metrics)}"
            raise SyntaxFault(f"column {token.at}: {token.text!r} is no metric; {known}")
        return token.text

    def _number(self) -> float:
        return float(self._take("number", "a number").text)

    def _duration(self) -> int:
        token = self._take("duration", "a duration such as 10m")
        match = DURATION.fullmatch(token.text)
        duration_ms = int(match[1]) * UNITS_MS[match[2]] if match else 0
        if duration_ms == 0:
            raise SyntaxFault(f"column {token.at}: a duration must be above 0")
        return duration_ms

    def _take(self, kind: str, wanted: str) -> _Token:
        token = self._now
        if token.kind != kind or (token.text in WORDS and kind == "name" and token.text not in self._metrics):
            raise self._fault(wanted)
        self._next += 1
        return token

    def _took(self, text: str) -> bool:
        if self._now.text != text:
            return False
        self._next += 1
        return True

    def _need(self, text: str) -> None:
        if not self._took(text):
            raise self._fault(f"`{text}`")

    def _fault(self, wanted: str) -> SyntaxFault:
        return SyntaxFault(f"column {self._now.at}: expected {wanted}, found {self._now.text!r}")
