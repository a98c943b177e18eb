"""Results of the scorecard kept in a file, by detector: a run takes up where another one was stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detectors.catalogue import CATALOGUE
from kafka_cluster.errors import LabError
from producer.files import write_whole

Held = dict[str, dict[str, Any]]


def read_results(path: Path | None) -> Held:
    """What is in the file; nothing where there is none. Raises LabError for a file of something else."""
    if path is None or not path.exists():
        return {}
    try:
        found: Held = json.loads(path.read_text())["detectors"]
        return {name: found[name] for name in CATALOGUE if name in found}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(str(path), f"holds no results of a scorecard ({error})", "give another name") from None


def keep_results(path: Path | None, results: Mapping[str, dict[str, Any]]) -> Held:
    """The results in the order of the catalogue; written to the file, where one is given."""
    ordered = {name: results[name] for name in CATALOGUE if name in results}
    if path is not None:
        write_whole(path, (json.dumps({"detectors": ordered}, indent=1) + "\n").encode())
    return ordered
