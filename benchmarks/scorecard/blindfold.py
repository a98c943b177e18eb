"""A blindfold for detectors: while it is on, this process opens no file of the corpus or its labels, and starts none.

Detectors are given arrays and nothing else; this holds them to it. It is an audit hook of the interpreter: every way to
open a file from Python passes through it, and files are told by their inode, so that no other name helps.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"})


class PeekError(RuntimeError):
    """A detector that looked at what it must not see. It is no LabError: nothing a user can put right."""


class _Hidden:
    """What must not be opened now. One hook serves the process: a hook cannot be taken away again."""

    def __init__(self) -> None:
        self.files: frozenset[tuple[int, int]] = frozenset()
        self.hooked = False

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.files:
            return
        if event in STARTS:
            raise PeekError(f"{event} while the detectors are blindfolded")
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike) and self.hides(arguments[0]):
            raise PeekError(f"{os.fsdecode(arguments[0])} opened while the detectors are blindfolded")

    def hides(self, path: str | bytes | os.PathLike[Any]) -> bool:
        try:
            return _inode(path) in self.files
        except OSError:
            return False  # not there, so not one of them


_hidden = _Hidden()


@contextmanager
def blindfold(files: Iterable[Path]) -> Iterator[None]:
    """While this is on, opening any of the files, by any name, or starting a process raises PeekError."""
    if not _hidden.hooked:
        sys.addaudithook(_hidden.hook)
        _hidden.hooked = True
    before, _hidden.files = _hidden.files, frozenset(map(_inode, files))
    try:
        yield
    finally:
        _hidden.files = before


def _inode(path: str | bytes | os.PathLike[Any]) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - paths of every type come in here
    return found.st_dev, found.st_ino
