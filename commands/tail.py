"""`lab tail TOPIC`: the last records of a topic, decoded, one JSON object a line."""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any

import typer

from commands.connect import read_settings
from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.read_topic import Read, read_topic
from kafka_cluster.settings import KafkaSettings


def tail(
    topic: Annotated[str, typer.Argument(help="metrics, anomalies, incidents, models, verdicts or dead-letters.")],
    number: Annotated[int, typer.Option("-n", "--number", min=0, help="The last so many of each partition.")] = 10,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with those to come, until Ctrl-C.")] = False,
) -> None:
    """Show a topic's committed records: decoded values, or for what cannot be decoded its bytes in base64."""
    stop = Stop().on_signals()
    settings = read_settings(KafkaSettings)
    wait_for_broker(settings, SystemClock(stop))
    for record in read_topic(settings, topic, last=number, follow=follow, stop=stop):
        print(json.dumps(_shown(record)), flush=True)


def _shown(record: Read) -> dict[str, Any]:
    shown: dict[str, Any] = {"partition": record.partition, "offset": record.offset, "key": record.key}
    if record.headers:
        shown["headers"] = record.headers
    if record.value is not None:
        return {**shown, "value": record.value}
    return {**shown, "bytes": None if record.raw is None else base64.b64encode(record.raw).decode()}
