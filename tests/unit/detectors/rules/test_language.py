from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.rules.language import Combined, Comparison, Condition, SyntaxFault, Term, parse

METRICS = ("cpu", "disk", "net.in")


def condition(text: str) -> Condition:
    found = parse(text, METRICS).condition
    assert found is not None
    return found


def test_a_rule_reads_as_it_is_said() -> None:
    clause = parse("cpu > 90 for 10m", METRICS)
    assert clause.condition == Comparison(Term("cpu"), ">", 90.0)
    assert clause.for_ms == 600_000
    assert parse("absent for 15m", METRICS) == (None, 900_000)


def test_windows_slide_unless_they_say_that_they_tumble() -> None:
    assert condition("avg(cpu, 5m)<=1e3") == Comparison(Term("cpu", "avg", 300_000), "<=", 1_000.0)
    assert condition("count(net.in, 1h tumbling) != -2.5").comparisons()[0].term.tumbling


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (Comparison(Term(name), ">", 1.0) for name in METRICS)
    assert condition("cpu > 1 or disk > 1 and not net.in > 1") == Combined(
        "or", (a, Combined("and", (b, Combined("not", (c,)))))
    )
    assert condition("(cpu > 1 or disk > 1) and net.in > 1") == Combined("and", (Combined("or", (a, b)), c))


@given(st.recursive(
    st.tuples(st.sampled_from(["cpu", "disk", "avg(cpu, 5m)"]), st.sampled_from([">", "<="]), st.integers(-3, 3)).map(
        lambda part: " ".join(map(str, part))
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} and {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} or {two[1]})"),
        inner.map(lambda one: f"(not {one})"),
    ),
    max_leaves=6,
))  # fmt: skip
def test_conditions_mean_what_python_makes_of_them(text: str) -> None:
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {name: random.integers(-4, 5, 50).astype(float) for name in ("cpu", "disk", "avg")}
    found = condition(text).holds(lambda term: columns[term.aggregate or term.metric])
    plain = text.replace("avg(cpu, 5m)", "avg")
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert found.tolist() == [eval(plain, {}, row) for row in rows]  # noqa: S307 - of the text made above


def test_what_is_not_known_holds_neither_way() -> None:
    unknown = np.array([np.nan, 1.0])
    assert condition("cpu != 5").holds(lambda _: unknown).tolist() == [False, True]
    assert condition("not cpu > 5").holds(lambda _: unknown).tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("cpu >> 9", "column 6: expected a number, found '>'"),
        ("cpu > 90 for", "column 13: expected a duration such as 10m, found 'the end'"),
        ("cpu > 90 for 0m", "column 14: a duration must be above 0"),
        ("cpux > 90", "column 1: 'cpux' is no metric; known: cpu, disk, net.in"),
        ("cpu > 90 disk", "column 10: expected nothing more, or `and`, `or`, `for`, found 'disk'"),
        ("avg(cpu) > 1", "column 8: expected `,`, found ')'"),
        ("avg(cpu, 5) > 1", "column 10: expected a duration such as 10m, found '5'"),
        ("(cpu > 1", "column 9: expected `)`, found 'the end'"),
        ("cpu = 1", "column 5: '= 1' is not understood"),
        ("absent", "column 7: expected `for`, found 'the end'"),
        ("and", "column 1: expected a metric, found 'and'"),
    ],
)
def test_faults_name_the_column_and_what_was_expected(text: str, complaint: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse(text, METRICS)
    assert str(caught.value) == complaint


@given(st.text(alphabet="cpu disk()<>=!andor0123456789m,.fo-", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(SyntaxFault):
        parse(text, METRICS)
