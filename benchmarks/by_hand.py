"""What benches that are started by `python -m benchmarks.NAME [records] [--json]` have in common."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from kafka_cluster import log


def say(text: str) -> None:
    """To a person who waits."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - its progress


def bench(run: Callable[[int], dict[str, Any]], records: int) -> None:
    """Run it with the number of the command line, or `records`, and print what it found."""
    log.configure("console", "WARNING")
    numbers = [int(text) for text in sys.argv[1:] if text.isdigit()]
    found = run(numbers[0] if numbers else records)
    if "--json" in sys.argv:
        print(json.dumps(found))  # noqa: T201 - its result
        return
    for name, value in found.items():
        shown = f"{value:,}" if isinstance(value, int | float) else str(value)
        print(f"{name:28} {shown:>12}")  # noqa: T201 - its result
