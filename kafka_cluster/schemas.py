"""The lab's Avro schemas: one `.avsc` file each, and the record schema of any other flat set of metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from kafka_cluster.errors import LabError

AvroSchema = dict[str, Any]
TIMESTAMP = "timestamp"
_AVRO_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@cache
def schema_text(name: str) -> str:
    """The text of `schemas/<name>.avsc`."""
    return (resources.files("kafka_cluster") / "schemas" / f"{name}.avsc").read_text()


def load_schema(name: str) -> AvroSchema:
    """The schema in `schemas/<name>.avsc`, parsed."""
    schema: AvroSchema = json.loads(schema_text(name))
    return schema


def metric_schema(metrics: Sequence[str]) -> AvroSchema:
    """The schema of a wide record: one float for each of `metrics`, then the timestamp.

    The CloudWatch set (network, disk, cpu) has its own file with a text on each field. Raises LabError for a
    name that Avro does not allow.
    """
    cloudwatch = load_schema("metric")
    if [field["name"] for field in cloudwatch["fields"]] == [*metrics, TIMESTAMP]:
        return cloudwatch
    for metric in metrics:
        if not _AVRO_NAME.fullmatch(metric) or metric == TIMESTAMP:
            raise LabError(f"metric {metric!r}", "is no Avro field name", "use letters, digits and _")
    fields = [{"name": name, "type": "float", "doc": f"The metric {name}."} for name in metrics]
    timestamp = next(field for field in cloudwatch["fields"] if field["name"] == TIMESTAMP)
    return {
        "type": "record",
        "name": "Metric",
        "namespace": "lab.metrics",
        "doc": "One instant of one host: one number a metric.",
        "fields": [*fields, timestamp],
    }
