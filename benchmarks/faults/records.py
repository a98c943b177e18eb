"""What is replayed, which models judge it, what is sprinkled among it: the same for every run of one seed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.load import readings
from consumer_training.fit import fit
from consumer_training.publish import Written, write_bundle
from consumer_training.rows import Rows, Split
from consumer_training.settings import TrainingSettings
from kafka_cluster.dataset import DATASET_FILE, Dataset, Metric
from kafka_cluster.schemas import TIMESTAMP, AvroSchema, metric_schema

METRICS = ("network", "disk", "cpu")
DATASET = "faults"
TRAINING_ROWS = 20_000
CONTAMINATION = {"first": 0.02, "second": 0.05}  # of the two models
EVOLVED = 0.01  # share of the records that a second writer sends, with a schema of its own
POISON = 0.01


def lay(folder: Path, records: int, seed: int) -> Path:
    """Write the series and their description; returns the path of dataset.json."""
    folder.mkdir(parents=True, exist_ok=True)
    times_ms, values = readings(records, seed)
    instants = pd.to_datetime(times_ms, unit="ms")
    for column, name in enumerate(METRICS):
        # Nine digits carry a float32 there and back.
        pd.DataFrame({"timestamp": instants, "value": values[:, column]}).to_csv(
            folder / f"{name}.csv", index=False, float_format="%.9g"
        )
    metrics = tuple(Metric(name=name, file=f"{name}.csv", series=f"{name}.csv", unit="1") for name in METRICS)
    dataset = Dataset(name=DATASET, source="generated", why=f"seed {seed}", metrics=metrics, labels=None)
    (folder / DATASET_FILE).write_text(dataset.to_json())
    return folder / DATASET_FILE


def write_model(name: str, settings: TrainingSettings, seed: int) -> Written:
    """Fit and write one of the two models; they differ in their threshold and in their version."""
    times, values = readings(TRAINING_ROWS, seed + 1)
    index = np.arange(TRAINING_ROWS, dtype=np.int64)
    rows = Rows(times, values, index * 0, index)
    given = settings.model_copy(update={"training_contamination": CONTAMINATION[name]})
    return write_bundle(fit(rows, given, name), Split(rows, rows[:0], {}), given, {})


def evolved_schema() -> AvroSchema:
    """The metric schema as a later writer has it: other order, a field more."""
    schema = json.loads(json.dumps(metric_schema(METRICS)))
    host = {"name": "host", "type": "string", "default": "", "doc": "Where it was measured."}
    schema["fields"] = [host, *reversed(schema["fields"])]
    return dict(schema)


def evolved_count(records: int) -> int:
    """How many records the second writer sends."""
    return max(1, round(records * EVOLVED))


def evolved(records: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Key and record of the second writer."""
    times_ms, values = readings(evolved_count(records), seed + 2)
    for number, (time_ms, row) in enumerate(zip(times_ms.tolist(), values.tolist(), strict=True)):
        host = f"later-{number % 4}"
        yield host, {"host": host, TIMESTAMP: time_ms, **dict(zip(METRICS, row, strict=True))}


def poison(good: bytes, records: int, seed: int) -> list[bytes | None]:
    """So many values that nobody can read, each different from the others; `good` is one that can be read."""
    random = np.random.default_rng(seed + 3)
    values: list[bytes | None] = []
    for number in range(max(6, round(records * POISON))):
        mark = number.to_bytes(4, "big") + random.bytes(4)
        values.append(
            [
                mark,  # no frame
                b"\x00\x7f" + mark[1:4] + good[5:],  # a schema id that nobody has registered
                good[:5] + mark[:3],  # cut short
                good + mark,  # bytes too many
                good[:5] + b"\x00\x00\xc0\x7f" + mark + good[17:],  # not a number
                mark + good,
            ][number % 6]
        )
    return values


def counted(values: list[bytes | None]) -> Counter[bytes | None]:
    """How often each value was sent."""
    return Counter(values)
