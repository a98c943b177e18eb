from __future__ import annotations

from pathlib import Path

import pytest

from kafka_cluster.embedded.tail import BLOCK_BYTES, Follower, last_lines


@pytest.mark.parametrize("count", [0, 1, 3, 10_000])
def test_the_last_lines_are_those_of_the_whole_file(tmp_path: Path, count: int) -> None:
    log = tmp_path / "log"
    lines = [f"line {number} {'x' * (number % 50)}" for number in range(5000)]
    log.write_text("\n".join(lines) + "\n")
    assert log.stat().st_size > 2 * BLOCK_BYTES
    assert last_lines(log, count) == lines[len(lines) - min(count, len(lines)) :]


def test_no_file_has_no_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none", 3) == []
    assert list(Follower(tmp_path / "none").new_lines()) == []


def test_a_follower_gives_each_new_line_once_and_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    follower = Follower(log)
    assert list(follower.new_lines()) == []
    with log.open("a") as file:
        file.write("one\ntw")
        file.flush()
        assert list(follower.new_lines()) == ["one"]
        file.write("o\n")
        file.flush()
        assert list(follower.new_lines()) == ["two"]


def test_a_follower_goes_on_with_the_file_of_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    follower = Follower(log)
    log.replace(tmp_path / "log.1")
    log.write_text("a new start\n")
    assert list(follower.new_lines()) == ["a new start"]
