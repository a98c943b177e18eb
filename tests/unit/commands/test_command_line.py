"""Every command that is named can be built and asked for help."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from commands.__main__ import COMMANDS, command_line


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_tells_its_options(name: str) -> None:
    ended = CliRunner().invoke(command_line((name,)), [name, "--help"])
    assert ended.exit_code == 0, ended.exception
    assert f"lab {name}" in ended.output or f"{name} [OPTIONS]" in ended.output


def test_help_lists_every_command() -> None:
    ended = CliRunner().invoke(command_line(COMMANDS), ["--help"])
    assert ended.exit_code == 0
    assert all(f" {name} " in ended.output for name in COMMANDS)


def test_an_unknown_extra_server_is_refused() -> None:
    ended = CliRunner().invoke(command_line(("up",)), ["up", "--with", "oracle"])
    assert ended.exit_code == 2
    assert "oracle" in ended.output
