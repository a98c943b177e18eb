"""The end of a log file, and what is added to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

BLOCK_BYTES = 1 << 16


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines, oldest first; none when there is no such file. Reads only the end of it."""
    try:
        with path.open("rb") as file:
            start = file.seek(0, os.SEEK_END)
            end = b""
            while start > 0 and end.count(b"\n") <= count:
                size = min(BLOCK_BYTES, start)
                start = file.seek(start - size)
                end = file.read(size) + end
    except OSError:
        return []
    lines = end.decode(errors="replace").splitlines()
    return lines[max(0, len(lines) - count) :]


class Follower:
    """Gives whole lines that are written after it was made, also when the file is replaced by a new one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity, self._offset = _where(path)
        self._rest = b""

    def new_lines(self) -> Iterator[str]:
        """The lines since the last call; an unfinished one waits for its end."""
        identity, size = _where(self.path)
        if identity != self._identity or size < self._offset:  # a server started again begins a new file
            self._identity, self._offset, self._rest = identity, 0, b""
        if size == self._offset:
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            *lines, self._rest = (self._rest + file.read(size - self._offset)).split(b"\n")
        self._offset = size
        yield from (line.decode(errors="replace") for line in lines)


def _where(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return 0, 0
    return stat.st_ino, stat.st_size
