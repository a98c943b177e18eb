"""docs/reference.md is what the settings classes say."""

from __future__ import annotations

import ast
import socket
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, SecretStr

from commands import reference
from commands.lab_settings import CHECKOUT
from commands.reference import Row, page, rows_of
from kafka_cluster.settings import Settings


class Example(Settings):
    # Above the field,
    # in two lines.
    rate: float | None = Field(default=None, gt=0)
    keys: Annotated[int, Field(ge=1, le=9)] | Literal["all"] = 3  # after it

    secret: SecretStr | None = None
    folder: Path = CHECKOUT / "var"
    needed: bool
    names: tuple[str, ...] = ("a", "b")
    pattern: str = Field(default="", pattern="^x|y$")  # <of> x or y


def test_a_row_tells_type_default_bounds_and_the_comment() -> None:
    assert rows_of(Example)[2:] == [
        Row("RATE", "float", "", "> 0", "Above the field, in two lines."),
        Row("KEYS", "int or `all`", "`3`", "≥ 1, ≤ 9", "after it"),
        Row("SECRET", "secret", "", "", ""),
        Row("FOLDER", "path", "`var`", "", ""),
        Row("NEEDED", "true or false", "required", "", ""),
        Row("NAMES", "list of text", "`a,b`", "", ""),
        Row("PATTERN", "text", "", "`^x|y$`", "<of> x or y"),
    ]


def test_the_page_in_docs_is_what_the_command_writes() -> None:
    assert reference.PAGE.read_text() == page(), "run `python -m commands.reference`"


def test_the_page_depends_neither_on_the_environment_nor_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    before = page()
    monkeypatch.setenv("METRICS_TOPIC", "other")
    monkeypatch.setenv("HOME", "/elsewhere")
    assert page() == before
    assert str(CHECKOUT) not in before
    assert f"`{socket.gethostname()}`" not in before
    assert str(Path.home()) not in before


def settings_classes(file: Path) -> set[str]:
    """The settings classes that a file defines, by their full names."""
    module = ".".join(file.relative_to(CHECKOUT).with_suffix("").parts)
    return {
        f"{module}.{node.name}"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")  # a command's own mixture of others
        and any(ast.unparse(base).endswith("Settings") for base in node.bases)
    }


def test_every_settings_class_has_its_section() -> None:
    told = {f"{settings.__module__}.{settings.__name__}" for _, _, settings in reference.SECTIONS}
    folders = [file.parent for file in CHECKOUT.glob("[!.]*/__init__.py")]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    found = {name for file in files for name in settings_classes(file)}
    assert found == told
