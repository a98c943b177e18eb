from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from commands import produce as command
from kafka_cluster.clock import Stop
from producer.sources.settings import SourceSettings
from producer.sources.watch import Watched


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[SourceSettings]:
    """The settings of the sources that were watched, instead of watching them."""
    monkeypatch.setenv("LAB_VAR", str(tmp_path))
    seen: list[SourceSettings] = []

    def watch(settings: SourceSettings, *_rest: Any) -> Watched:
        seen.append(settings)
        return Watched(3, 4, 0, 0)

    monkeypatch.setattr(command, "watch", watch)
    monkeypatch.setattr(Stop, "on_signals", lambda self: self)
    return seen


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(command.produce)
    return CliRunner().invoke(app, arguments)


def test_a_source_is_watched_as_the_options_say(watched: list[SourceSettings]) -> None:
    ended = run("--source", "host", "--every", "0.5", "--key", "db-7", "--json")
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout.splitlines()[-1]) == {"delivered": 3, "looks": 4, "away": 0, "left_out": 0}
    (settings,) = watched
    assert (settings.source, settings.source_every_s, settings.key) == ("host", 0.5, "db-7")


@pytest.mark.parametrize(
    "options",
    [("--source", "host", "--rate", "5/s"), ("--source", "host", "--data", "x"), ("--every", "5"), ("--key", "a")],
)
def test_options_of_the_other_way_to_produce_are_refused_by_name(
    watched: list[SourceSettings], options: tuple[str, ...]
) -> None:
    ended = run(*options)
    assert ended.exit_code == 2
    assert options[-2] in ended.output
    assert "is for" in ended.output
    assert watched == []
