from __future__ import annotations

from pathlib import Path

import pytest

from detectors.config_file import ConfigError, parse, read, shown_ms

TEXT = """\
late: 90s
list:
  - one: 1e6
    two: [a, b]
  - 3
"""


def test_every_value_knows_its_line_and_field() -> None:
    whole = parse(TEXT, "some.yaml")
    first = whole.mapping()["list"].items()[0].fields(("one", "two"))
    assert (first["one"].line, first["one"].name, first["one"].number()) == (3, "list[0].one", 1e6)
    assert [item.name for item in first["two"].items()] == ["list[0].two[0]", "list[0].two[1]"]
    assert whole.mapping()["late"].duration_ms() == 90_000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb: 2", "some.yaml, line 2, b: is not known here; known: a, c"),
        ("a: 1\na: 2", "some.yaml, line 2, a: is there twice"),
        ("a: [1", "some.yaml, line 1: is no YAML"),
        ("- 1", "some.yaml, line 1: must be a mapping of names to values"),
        ("", "some.yaml: is empty"),
        ("a: !!python/object:os.system x", "some.yaml, line 1: is no YAML"),
        ("a: 2026-99-99", "some.yaml: is no YAML"),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_field(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "some.yaml").fields(("a", "c"))
    assert str(caught.value).startswith(complaint)


@pytest.mark.parametrize("number", ["true", "x", ".nan", ".inf", "[1]", "-1"])
def test_a_number_is_finite_and_not_below_its_least(number: str) -> None:
    with pytest.raises(ConfigError, match=r"line 1, a: must be"):
        parse(f"a: {number}", "f").mapping()["a"].number(least=0)


@pytest.mark.parametrize("duration", ["10", "-1m", "1.5h", "10 minutes", "[]"])
def test_a_duration_has_a_whole_number_and_a_unit(duration: str) -> None:
    with pytest.raises(ConfigError, match="must be a duration such as 90s, 10m or 2h"):
        parse(f"a: {duration}", "f").mapping()["a"].duration_ms()


def test_a_file_that_is_not_there_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        read(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("ms", "text"), [(600_000, "10m"), (90_000, "90s"), (7_200_000, "2h"), (50, "50ms"), (0, "0ms")]
)
def test_durations_are_shown_in_their_largest_unit(ms: int, text: str) -> None:
    assert shown_ms(ms) == text
