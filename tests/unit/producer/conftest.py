"""A little corpus with a catalogue of its own, in place of the real one: its series are made here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producer.catalogue import Catalogue, Choice, Entry, Origin

LayOut = Callable[[Path], Path]


def csv(digit: int) -> bytes:
    rows = "".join(f"2014-04-10 00:{minute:02}:00,{digit}.{minute}\n" for minute in range(0, 60, 5))
    return f"timestamp,value\n{rows}".encode()


@pytest.fixture
def contents() -> dict[str, bytes]:
    """What the series of the little corpus hold, by path."""
    return {f"realAWSCloudwatch/{name}.csv": csv(digit) for digit, name in enumerate(["net", "dsk", "prc"], start=1)}


@pytest.fixture
def catalogue(contents: dict[str, bytes]) -> Catalogue:
    at = datetime(2014, 4, 10, tzinfo=UTC)
    entries = [
        Entry(path, "cpu", "%", 12, at, at.replace(minute=55), hashlib.sha256(content).hexdigest())
        for path, content in contents.items()
    ]
    chosen = zip(["network", "disk", "cpu"], entries, strict=True)
    return Catalogue(
        Origin("little", "somebody/little", "{folder}/{folder}/{name}", "http://127.0.0.1/", "none", 300),
        tuple(entries),
        {"cloudwatch": tuple(Choice(name, entry.path) for name, entry in chosen)},
    )


@pytest.fixture
def lay_out(contents: dict[str, bytes]) -> LayOut:
    """Write the corpus below a folder, as a checkout of NAB has it, with labels for more than is needed."""

    def lay_out(root: Path) -> Path:
        for path, content in contents.items():
            (root / "data" / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "data" / path).write_bytes(content)
        (root / "labels").mkdir()
        window = ["2014-04-10 00:10:00.000000", "2014-04-10 00:20:00.000000"]
        labels = {"realAWSCloudwatch/net.csv": [window], "realAWSCloudwatch/other.csv": [window]}
        (root / "labels" / "combined_windows.json").write_text(json.dumps(labels))
        return root

    return lay_out
