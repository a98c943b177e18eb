"""A regional outage: found by whoever watches cells, and by nobody who watches devices.

Devices gather around towns and report seldom. For some seconds all of one H3 cell drop by three spreads, which is
little for one value and much for a region. The same events are checked twice: against the last 50 of their cell, and
against the last 50 of their device. What each consumer published is held against the label of the outage.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from h3.api import basic_int as h3

from benchmarks.experiments.ground import Say, ground
from commands.lab_settings import LabSettings
from kafka_cluster.clock import Stop
from kafka_cluster.errors import LabError
from kafka_cluster.read_topic import read_topic
from kafka_cluster.records import Anomaly
from kafka_cluster.settings import KafkaSettings
from producer.event_places import Places, places
from producer.event_run import run as send
from producer.event_settings import EventSettings

PARTITIONS = 4
STRONGEST = 5  # cells that are named
BY_CELL, BY_DEVICE = "cell", "id"


@dataclass(frozen=True)
class Plan:
    """20,000 devices at 10,000 events/s report every two seconds; some 2,000 cells have 50 values after 20 s or so."""

    devices: int = 20_000
    rate: int = 10_000  # events/s
    begin_s: float = 20.0  # of the outage
    lasts_s: float = 10.0
    after_s: float = 2.0
    resolution: int = 5
    seed: int = 0


@dataclass(frozen=True)
class Outage:
    """What was put in."""

    cell: int
    from_ms: int
    to_ms: int

    @property
    def name(self) -> str:
        """As H3 writes it."""
        return str(h3.int_to_str(self.cell))


def run(lab: LabSettings, plan: Plan, say: Say) -> dict[str, Any]:
    """Send, check both ways, compare. Raises LabError."""
    where = places(plan.devices, plan.seed, plan.resolution)
    with ground(lab, PARTITIONS, say, cassandra=False) as on:
        topics = {kind: on.topics(anomalies_topic=f"anomalies-by-{kind}") for kind in (BY_CELL, BY_DEVICE)}
        consumers = [
            on.consumer(
                f"by-{kind}", HISTORY_STORE="memory", HISTORY_KEY=kind, HISTORY_RESOLUTION=plan.resolution,
                ANOMALIES_TOPIC=settings.anomalies_topic,
            )
            for kind, settings in topics.items()
        ]  # fmt: skip
        say(f"{plan.devices:,} devices, {plan.rate:,} events/s; one cell drops after {plan.begin_s:g} s")
        labels = lab.lab_var / "outage-labels.jsonl"
        seconds = plan.begin_s + plan.lasts_s + plan.after_s
        settings = EventSettings.read(
            **on.given, event_keys=plan.devices, event_rate=plan.rate, event_seconds=seconds, event_seed=plan.seed,
            event_positions=True, event_resolution=plan.resolution, event_labels=labels,
            event_outage_s=plan.begin_s, event_outage_for_s=plan.lasts_s,
        )  # fmt: skip
        sent = send(settings, on.clock, Stop())
        for consumer in consumers:
            on.through(consumer, sent.delivered)
        outage = _label([json.loads(line) for line in labels.read_text().splitlines()])
        found = {kind: anomalies(settings) for kind, settings in topics.items()}
    cells = by_cell(found[BY_CELL], outage)
    return {
        "devices": plan.devices,
        "cells": len(np.unique(where.cells)),
        "resolution": plan.resolution,
        "events": sent.delivered,
        "rate_per_s": plan.rate,
        "seed": plan.seed,
        "outage": {
            "cell": outage.name, **_position(outage.cell), "devices": int((where.cells == outage.cell).sum()),
            "from_ms": outage.from_ms, "to_ms": outage.to_ms,
        },
        "by_cell": cells,
        "by_device": by_device(found[BY_DEVICE], outage),
        "drawn": {"scores": cells.pop("scores")},
    }  # fmt: skip


def anomalies(settings: KafkaSettings) -> list[Anomaly]:
    """All of a topic, in the order of their time."""
    read = read_topic(settings, settings.anomalies_topic)
    found = [Anomaly.from_avro(record.value) for record in read if record.value is not None]
    return sorted(found, key=lambda anomaly: anomaly.timestamp)


def by_cell(found: list[Anomaly], outage: Outage) -> dict[str, Any]:
    """Which cells alarmed while it lasted, the strongest first, and where among them the one is that dropped."""
    during = [anomaly for anomaly in found if outage.from_ms <= anomaly.timestamp <= outage.to_ms]
    cells: dict[str, dict[str, Any]] = {}
    for anomaly in during:
        name = str(anomaly.key)
        cell = cells.setdefault(name, {"cell": name, "score": 0.0, "alarms": 0, "first_ms": anomaly.timestamp})
        cell["alarms"] += 1
        cell["score"] = round(max(cell["score"], anomaly.score), 4)
    ranked = sorted(cells.values(), key=lambda cell: -cell["score"])
    names = [cell["cell"] for cell in ranked]
    mine = cells.get(outage.name)
    return {
        "alarms": len(during),
        "cells_with_alarms": len(cells),
        "rank_of_the_outage": names.index(outage.name) + 1 if mine else None,
        "found_after_ms": mine["first_ms"] - outage.from_ms if mine else None,
        "strongest": [cell | _position(h3.str_to_int(cell["cell"])) for cell in ranked[:STRONGEST]],
        "scores": {cell["cell"]: cell["score"] for cell in ranked},
    }


def by_device(found: list[Anomaly], outage: Outage) -> dict[str, Any]:
    """What watching devices gave: alarms of devices in the cell that dropped, while it lasted."""
    during = [anomaly for anomaly in found if outage.from_ms <= anomaly.timestamp <= outage.to_ms]
    inside = [anomaly.timestamp for anomaly in during if anomaly.key == outage.name]
    return {
        "alarms": len(during),
        "alarms_in_the_outage": len(inside),
        "found_after_ms": inside[0] - outage.from_ms if inside else None,
    }


def lines(result: dict[str, Any]) -> list[str]:
    """The result for a person."""
    cell, device, outage = result["by_cell"], result["by_device"], result["outage"]
    place = f"cell {outage['cell']}, {outage['latitude']:.2f} N {outage['longitude']:.2f} E"
    rank = f"number {cell['rank_of_the_outage']} of {cell['cells_with_alarms']} cells that alarmed"
    return [
        f"outage      {place}, {outage['devices']} devices of {result['devices']:,}",
        f"by cell     {rank} ({result['cells']:,} there are), {cell['found_after_ms']} ms after it began",
        f"by device   {device['alarms_in_the_outage']} alarms of devices in that cell",
    ]


def placed(result: dict[str, Any]) -> Places:
    """The devices of a result."""
    return places(result["devices"], result["seed"], result["resolution"])


def _label(labels: list[dict[str, Any]]) -> Outage:
    for label in labels:
        if label["kind"] == "outage":
            return Outage(label["key"], label["first_ms"], label["last_ms"])
    raise LabError("the outage", "the generator did not get that far", "give it more --seconds")


def _position(cell: int) -> dict[str, float]:
    latitude, longitude = h3.cell_to_latlng(cell)
    return {"latitude": round(latitude, 4), "longitude": round(longitude, 4)}
