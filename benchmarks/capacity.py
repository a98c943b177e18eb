"""`python -m benchmarks.capacity [BENCH.json]` writes the figures of docs/capacity.md from a run of the bench.

BENCH.json is what `lab bench anomalia --store all --json` printed; without it, the one that is kept beside this file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.capacity_model import DAY_S, HOUR_S, Assumed, Cost, Size, cost, size
from kafka_cluster.errors import LabError, one_clear_line

PAGE = Path(__file__).resolve().parents[1] / "docs" / "capacity.md"
KEPT = Path(__file__).with_name("anomalia.json")
BEGIN, END = "<!-- python -m benchmarks.capacity: begin -->", "<!-- end -->"
RATES = (220_000, 2_000_000, 20_000_000)  # events/s; the first is the published system's
STORES = ("chunks", "rows")
PUBLISHED_CORES = 70 + 120 + 400  # Kafka, application, Cassandra
MINUTE_S = 60


def tables(bench: dict[str, Any], assumed: Assumed | None = None) -> str:
    """Everything between the marks of the page, in Markdown. Raises LabError for a bench that lacks something."""
    known = assumed or Assumed()
    costs = [cost(store, _of(bench, store)) for store in STORES]
    parts = [_measured(costs), _assumed(known)]
    for one in costs:
        sizes = [size(rate, one, known) for rate in RATES]
        parts += [f"### {one.store.capitalize()}", _sizes(sizes, one, known), _steps(sizes[0], one, known)]
    return "\n\n".join(parts)


def _of(bench: dict[str, Any], store: str) -> dict[str, Any]:
    stores = bench.get("stores", {})
    if store not in stores:
        raise LabError("bench", f"has no store {store!r}", "make it anew: lab bench anomalia --store all --json")
    found: dict[str, Any] = stores[store]
    return found


def _measured(costs: Sequence[Cost]) -> str:
    rows: list[tuple[str, Callable[[Cost], str]]] = [
        ("history consumer, µs of CPU an event", lambda one: f"{one.worker_us:.2f}"),
        ("broker, µs to write an event", lambda one: f"{one.broker_write_us:.2f}"),
        ("broker, µs to hand it to one group", lambda one: f"{one.broker_read_us:.2f}"),
        ("Cassandra, µs an event", lambda one: f"{one.cassandra_us:.2f}"),
        ("bytes an event in the topic", lambda one: f"{one.topic_bytes:.1f}"),
        ("bytes an event in Cassandra's files", lambda one: f"{one.disk_bytes:.1f}"),
        ("bytes an event on the way there", lambda one: f"{one.request_bytes:.1f}"),
        ("events a second read back after a move", lambda one: f"{one.rebuilt_per_s:,.0f}"),
        ("bytes of memory a key", lambda one: f"{one.key_bytes:.0f}"),
    ]
    return _table(["measured", *(one.store for one in costs)], [[name, *map(of, costs)] for name, of in rows])


def _assumed(known: Assumed) -> str:
    ttl, kept = known.history_ttl_s // DAY_S, known.kafka_kept_s // HOUR_S
    node = f"{known.node_cores} cores, {known.node_disk_tb:g} TB and {known.node_network_mb_s:,.0f} MB/s each way"
    return (
        f"Assumed: {known.replication} copies of everything; resources busy to {known.utilisation:.0%} in normal "
        f"times; nodes of {node}; Kafka keeps {kept} hours, Cassandra {ttl} days; {known.keys:,} keys."
    )


def _sizes(sizes: Sequence[Size], cost_of: Cost, known: Assumed) -> str:
    def ring_for_a_day(one: Size) -> str:
        ring = size(one.rate, cost_of, replace(known, history_ttl_s=DAY_S)).cassandra
        return f"{ring.nodes:,}, {ring.bound_by}"

    rows: list[tuple[str, Callable[[Size], str]]] = [
        ("cores busy: Kafka, Cassandra, workers",
         lambda one: f"{one.kafka.cores:.1f} + {one.cassandra.cores:.1f} + {one.workers.cores:.1f}"),
        (f"in all; the published system has {PUBLISHED_CORES} for {RATES[0]:,}", lambda one: f"**{one.cores:,.1f}**"),
        ("Kafka nodes, bound by", lambda one: f"{one.kafka.nodes:,}, {one.kafka.bound_by}"),
        ("Cassandra nodes, bound by", lambda one: f"{one.cassandra.nodes:,}, {one.cassandra.bound_by}"),
        ("the same, with a TTL of one day", ring_for_a_day),
        ("worker nodes, bound by", lambda one: f"{one.workers.nodes:,}, {one.workers.bound_by}"),
        ("members of the group", lambda one: f"{one.members:,}"),
        ("partitions of the topic", lambda one: f"{one.partitions:,}"),
        ("Kafka's disks, TB", lambda one: _number(one.kafka.disk_tb)),
        ("Cassandra's disks, TB", lambda one: _number(one.cassandra.disk_tb)),
        ("network into Kafka, MB/s", lambda one: _number(one.kafka.network_mb_s)),
        ("network into Cassandra, MB/s", lambda one: _number(one.cassandra.network_mb_s)),
        ("rebuild of a member's partitions, at the most", lambda one: _time(one.rebuild_s)),
        ("breaks first", first_to_break),
    ]  # fmt: skip
    return _table(["events/s", *(f"{one.rate:,.0f}" for one in sizes)], [[name, *map(of, sizes)] for name, of in rows])


def first_to_break(one: Size) -> str:
    """What is fullest, and so the first to be full when the rate grows and nothing is added."""
    full = {
        f"Kafka's {one.kafka.fullest}": one.kafka.full,
        f"Cassandra's {one.cassandra.fullest}": one.cassandra.full,
        "a member's core": one.member_full,
    }
    fullest = max(full, key=lambda name: full[name])
    return f"{fullest}, at {full[fullest]:.0%}"


def _steps(one: Size, cost_of: Cost, known: Assumed) -> str:
    """The arithmetic of the first column."""
    rate, copies, busy = f"{one.rate:,.0f}/s", f"{known.replication} copies", f"{known.utilisation:g}"
    kafka, ring, workers = one.kafka, one.cassandra, one.workers
    broker_us = f"({cost_of.broker_write_us:.2f} + {cost_of.broker_read_us:.2f}) µs"
    disk, sent, kept = f"{cost_of.disk_bytes:.1f} B", f"{cost_of.request_bytes:.1f} B", f"{cost_of.topic_bytes:.1f} B"
    most = f"{ring.cores:.2f} / {known.node_cores}, {ring.disk_tb:.2f} / {known.node_disk_tb:g}, "
    most += f"{ring.network_mb_s:.1f} / {known.node_network_mb_s:g};"
    read = _times(f"{one.partitions} / {one.members}", f"{one.interval:,}")
    rows = [
        ("workers' cores", _times(rate, f"{cost_of.worker_us:.2f} µs"), f"{workers.cores:.2f}"),
        ("members", f"{workers.cores:.2f} / {busy}, rounded up", f"{one.members}"),
        ("Kafka's cores", _times(rate, copies, broker_us), f"{kafka.cores:.2f}"),
        ("Kafka's disks", _times(rate, kept, copies, f"{known.kafka_kept_s:,} s"), f"{kafka.disk_tb:.2f} TB"),
        ("Kafka's network", _times(rate, kept, copies), f"{kafka.network_mb_s:.1f} MB/s"),
        ("Cassandra's cores", _times(rate, copies, f"{cost_of.cassandra_us:.2f} µs"), f"{ring.cores:.2f}"),
        ("Cassandra's disks", _times(rate, disk, copies, f"{known.history_ttl_s:,} s"), f"{ring.disk_tb:.2f} TB"),
        ("Cassandra's network", _times(rate, sent, copies), f"{ring.network_mb_s:.1f} MB/s"),
        ("Cassandra's nodes", f"the most of {most} / {busy}", f"{ring.nodes}"),
        ("partitions", f"members, {known.members_grow} times or more, to {known.partitions_a_node} a node",
         f"{one.partitions}"),
        ("rebuild", f"{read} / {cost_of.rebuilt_per_s:,.0f}/s", _time(one.rebuild_s)),
    ]  # fmt: skip
    return f"The column of {rate} in steps:\n\n{_table(['what', 'from', 'makes'], rows)}"


def _times(*factors: str) -> str:
    return " \N{MULTIPLICATION SIGN} ".join(factors)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _number(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"  # noqa: PLR2004 - digits worth showing


def _time(seconds: float) -> str:
    for unit_s, name in ((DAY_S, "days"), (HOUR_S, "hours"), (MINUTE_S, "minutes")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:,.0f} {name}"
    return f"{seconds:.0f} s"


def page(text: str, filled: str) -> str:
    """The page with the tables in their place."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{filled}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the figures into the page; a bench that was given is kept for the next time."""
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else KEPT
    try:
        bench = json.loads(given.read_text().splitlines()[-1] if given != KEPT else given.read_text())
    except (OSError, ValueError, IndexError) as error:
        way_out = "make one: lab bench anomalia --store all --json > BENCH.json"
        raise LabError(str(given), f"is no result of the bench ({error})", way_out) from None
    filled = tables(bench)
    PAGE.write_text(page(PAGE.read_text(), filled))
    if given != KEPT:
        KEPT.write_text(json.dumps(bench, indent=1) + "\n")
    sys.stderr.write(f"{PAGE.name} written from {given.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main)())
