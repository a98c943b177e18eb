from __future__ import annotations

import pytest

from producer.sources.selector import parse

SERIES = ("http_requests_total", {"code": "200", "path": "/a b", "empty": ""})


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("http_requests_total", True),
        (" http_requests_total { } ", True),
        ("http_requests", False),
        ('http_requests_total{code="200"}', True),
        ('http_requests_total{code="20"}', False),
        ('http_requests_total{code!="200"}', False),
        ('http_requests_total{code=~"2.."}', True),
        ('http_requests_total{code=~"2"}', False),  # the whole value, as in PromQL
        ('http_requests_total{code!~"5..",path=~"/.*"}', True),
        ('http_requests_total{code="200",}', True),
        ('{__name__=~"http_.*",code="200"}', True),
        ('http_requests_total{absent=""}', True),
        ('http_requests_total{absent!=""}', False),
        ('http_requests_total{empty=""}', True),
        ('http_requests_total{path="/a b"}', True),
    ],
)
def test_series_are_chosen_as_promql_chooses_them(text: str, chosen: bool) -> None:
    assert parse(text).matches(*SERIES) == chosen


def test_quotes_and_line_breaks_in_a_value_are_escaped() -> None:
    assert parse(r'x{a="say \"hi\",\n\\}"}').matches("x", {"a": 'say "hi",\n\\}'})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names neither"),
        ("{}", "names neither"),
        ("x{", "'' is not understood"),
        ('x{a="1" b="2"}', "lacks a comma"),
        ("x{a=1}", "'a=1}' is not understood"),
        ("rate(x[1m])", r"is no matcher such as name\{label=\"value\"\}: '\(x\[1m\]\)' is not understood"),
        ('x{a=~"("}', r"has a pattern that is none: '\('"),
        ('x{a="1"} offset 5m', "'offset 5m' is not understood|' offset 5m' is not understood"),
    ],
)
def test_what_is_no_matcher_is_explained(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(text)
