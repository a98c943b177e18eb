from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from kafka_cluster.embedded.state import Entry, State
from kafka_cluster.errors import LabError

ENTRY = Entry("broker", 4711, 1.5, 9092, "var/logs/broker.log", 2.5, None)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert state.read() == {}
    state.write({"broker": ENTRY})
    assert State(tmp_path).read() == {"broker": ENTRY}


def test_nothing_that_runs_leaves_no_file(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.write({"broker": ENTRY})
    state.write({})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"version": 1}', '{"version": 1, "servers": [{"name": "x"}]}', '{"servers": []}'],
)
def test_a_corrupt_file_is_named_with_the_way_out(tmp_path: Path, content: str) -> None:
    (tmp_path / "cluster.json").write_text(content)
    with pytest.raises(LabError, match=r"cluster\.json: is not the lab's .*; `\./lab down` finds the servers"):
        State(tmp_path).read()


def test_a_file_of_another_version_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "cluster.json").write_text('{"version": 2, "servers": []}')
    with pytest.raises(LabError, match="is of version 2, not 1"):
        State(tmp_path).read()


def _try(var: Path, answers: multiprocessing.Queue[str]) -> None:
    try:
        with State(var).alone():
            answers.put("")
    except LabError as error:
        answers.put(str(error))


def _ask_another_process(var: Path) -> str:
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[str] = context.Queue()
    other = context.Process(target=_try, args=(var, answers))
    other.start()
    answer = answers.get(timeout=60)
    other.join()
    return answer


def test_one_command_at_a_time_and_the_other_is_told_whom_to_wait_for(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.alone():
        assert f"another command (pid {os.getpid()})" in _ask_another_process(tmp_path)
    assert _ask_another_process(tmp_path) == ""


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file in the way")
    with pytest.raises(LabError, match="LAB_VAR"), State(tmp_path / "var").alone():
        pass
