"""`lab topics`: make the topics, register the schemas, show what each topic holds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from confluent_kafka import Consumer, TopicPartition
from rich.console import Console
from rich.table import Table

from commands.connect import read_settings
from kafka_cluster import clients
from kafka_cluster.clock import SystemClock
from kafka_cluster.prepare import PrepareSettings, prepare
from kafka_cluster.topics import TopicSpec

REQUEST_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class TopicState:
    """One topic as it is now. `offsets` is the sum over its partitions of the offsets that are readable."""

    name: str
    partitions: int
    offsets: int
    doc: str


def topics(
    partitions: Annotated[int | None, typer.Option(help="Partitions of the metrics topic, where it is new.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Make the topics that are missing, register the schemas, and show the topics."""
    settings = read_settings(PrepareSettings, partitions=partitions)
    specs = prepare(settings, SystemClock())
    consumer = clients.consumer(settings, "lab-topics")
    try:
        states = [_state(consumer, spec) for spec in specs]
    finally:
        consumer.close()
    if as_json:
        print(json.dumps({"topics": [asdict(state) for state in states]}))
        return
    table = Table("topic", "partitions", "offsets", "what it carries", box=None)
    for state in states:
        table.add_row(state.name, str(state.partitions), f"{state.offsets:,}", state.doc)
    Console().print(table)


def _state(consumer: Consumer, spec: TopicSpec) -> TopicState:
    numbers = list(consumer.list_topics(spec.name, timeout=REQUEST_TIMEOUT_S).topics[spec.name].partitions)
    marks = [
        consumer.get_watermark_offsets(TopicPartition(spec.name, number), timeout=REQUEST_TIMEOUT_S)
        for number in numbers
    ]
    return TopicState(spec.name, len(numbers), sum(high - low for low, high in marks), spec.doc)
