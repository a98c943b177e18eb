"""Writing files so that a reader finds the old one or the new one, never half of one."""

from __future__ import annotations

import os
from pathlib import Path

from kafka_cluster.errors import LabError


def write_whole(path: Path, content: bytes) -> None:
    """Write aside, then rename into place; makes the folders above. Raises LabError where that is not allowed."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        aside.replace(path)
    except OSError as error:
        raise LabError(str(path), f"cannot be written ({error.strerror})", "check rights and space") from None
    finally:
        aside.unlink(missing_ok=True)


def holds(path: Path, content: bytes) -> bool:
    """True when the file is there with exactly this content."""
    return path.is_file() and path.read_bytes() == content
