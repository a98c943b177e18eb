from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from kafka_cluster import yaml_file
from kafka_cluster.errors import LabError


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(ge=1)
    names: list[str] = []


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    parts: dict[str, Part]
    title: str = "none"


GOOD = """\
title: a
parts:
  one:
    size: 3
    names: [x, y]
"""


def complaint(text: str) -> str:
    with pytest.raises(LabError) as caught:
        yaml_file.parse(text, "parts.yaml", Whole)
    return str(caught.value)


def test_what_fits_is_read(tmp_path: Path) -> None:
    (tmp_path / "parts.yaml").write_text(GOOD)
    assert yaml_file.read(tmp_path / "parts.yaml", Whole).value.parts["one"].names == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("parts:\n  one:\n    size: 0\n", "parts.yaml, line 3, parts.one.size: must be greater than or"),
        ("parts:\n  one:\n    names: [a]\n", "parts.yaml, line 2, parts.one.size: is needed"),
        ("parts: {}\ncolour: red\n", "parts.yaml, line 2, colour: is not known here"),
        ("parts:\n  one:\n    size: 1\n    names:\n      - a\n      - {}\n", "parts.yaml, line 6, parts.one.names[1]"),
        ("parts:\n  one:\n    size: 1\n    size: 2\n", "parts.yaml, line 4, parts.one.size: is there twice"),
        ("- a\n", "parts.yaml, line 1: must be a mapping of names to values"),
        ("parts: [\n", "parts.yaml, line 2: is no YAML (expected the node content"),
        ("", "parts.yaml: is empty"),
        ("parts: *nobody\n", "parts.yaml, line 1: is no YAML (found undefined alias"),
    ],
)  # fmt: skip
def test_what_does_not_is_named_by_file_line_and_field(text: str, said: str) -> None:
    assert complaint(text).startswith(said)


def test_a_field_can_be_complained_about_later() -> None:
    found = yaml_file.parse(GOOD, "parts.yaml", Whole)
    error = found.wrong(("parts", "one", "size"), "is too large", "make it smaller")
    assert str(error) == "parts.yaml, line 4, parts.one.size: is too large; make it smaller"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"gone\.yaml: cannot be read"):
        yaml_file.read(tmp_path / "gone.yaml", Whole)
