"""Where each microsecond of a record goes: `python -m benchmarks.where_time_goes [records]` writes the table of docs.

A worker runs in this process with its steps timed, from the first record on. Working is processor time of the
member's own thread, waiting is the rest of the clock's: for the broker, or for a core that somebody else had.
librdkafka's threads work beside it, and have a line of their own.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.ledger import Ledger, Proxy
from benchmarks.stage import Load, Stage, stage
from commands.bench import own_lab
from consumer_prediction import judge as judge_module
from consumer_prediction import worker as worker_module
from consumer_prediction.settings import PredictionSettings
from consumer_prediction.worker import Worker
from detectors import model as model_module
from detectors.forest import FlatForest
from kafka_cluster import log
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.codec import MetricDecoder
from kafka_cluster.embedded.settings import CHECKOUT

RECORDS = 3_000_000
KEYS, PARTITIONS = 1_000, 4
JOIN_S = 5.0  # until the gate opens: the worker has joined by then
PAGE = CHECKOUT / "docs" / "hot-path.md"
BEGIN, END = "<!-- where time goes: begin -->", "<!-- where time goes: end -->"

STEPS = {  # in the order of the path, and what is in each
    "consume": "the client's call: a Python object for each record",
    "values": "each message asked for its error and its value",
    "decode": "the values joined, their lengths, the kernel",
    "features": "the matrix of float32",
    "forest": "100 trees of depth 8",
    "explain": "anomalies only: shares, expected values, a sentence; the forest again, for those rows",
    "decide": "anomalies only: address, key, id, the record",
    "encode": "anomalies only: Avro",
    "produce": "anomalies only: handed to the client",
    "commit": "offsets sent, transaction committed",
    "the rest": "messages freed, heartbeat, counting",
}
FLOOR = ("consume", "values", "decode", "features", "forest")  # what no record can do without


@dataclass
class Spent:
    """Of one run of a worker."""

    records: int
    anomalies: int = 0
    batches: int = 0
    wall_s: float = 0.0
    thread_s: float = 0.0  # processor time of the worker's thread
    process_s: float = 0.0  # of all threads
    busy_s: dict[str, float] = field(default_factory=dict)
    waiting_s: dict[str, float] = field(default_factory=dict)


def run(on: Stage, load: Load) -> Spent:
    """Work through the load in this process."""
    ledger, stop, spent = Ledger(), Stop(), Spent(load.records)
    settings = PredictionSettings.read(
        **on.given, metrics_topic=load.settings.metrics_topic, models_dir=on.lab.lab_var / "models",
        prediction_start="earliest", prediction_group="where", consumer_id="where", prediction_log_limit=0,
    )  # fmt: skip
    worker = Worker(settings, on.registry, SystemClock(stop), stop)
    undo = _time_steps(worker, ledger, stop, spent)
    opener = threading.Timer(JOIN_S, load.gate.open)
    opener.start()
    try:
        worker.run()
    finally:
        for put_back in undo:
            put_back()
        opener.join()
    return spent


def _time_steps(worker: Any, ledger: Ledger, stop: Stop, spent: Spent) -> list[Callable[[], None]]:
    """Look inside the worker, which is what it is there for."""
    worker._consumer = Proxy(worker._consumer, ledger, {"consume": "consume"})  # noqa: SLF001 - as said above
    transactions = worker._transactions  # noqa: SLF001
    worker._turn = _until_done(worker, ledger, stop, spent)  # noqa: SLF001
    return [
        ledger.patch("commit", transactions, "_retrying"),
        ledger.patch("produce", transactions, "commit"),
        ledger.patch("values", worker_module, "records_of"),
        ledger.patch("values", worker_module, "ConsumedBatch"),
        ledger.patch("decode", MetricDecoder, "decode"),
        ledger.patch("decide", worker_module, "judge"),
        ledger.patch("explain", judge_module, "reasons"),
        ledger.patch("features", model_module, "engineer"),
        ledger.patch("forest", FlatForest, "score"),
        ledger.patch("encode", worker, "_outputs"),
    ]


def _until_done(worker: Any, ledger: Ledger, stop: Stop, spent: Spent) -> Callable[[Any], None]:
    turn = ledger.timed("the rest", worker._turn)  # noqa: SLF001
    clocks = (time.perf_counter, time.thread_time, time.process_time)
    began: list[float] = []

    def counted(champion: Any) -> None:
        before = worker.counts.scored
        if before == 0:
            ledger.clear()
            began[:] = [clock() for clock in clocks]
        turn(champion)
        spent.batches += worker.counts.scored > before
        if worker.counts.scored >= spent.records and not stop.requested:
            spent.wall_s, spent.thread_s, spent.process_s = (
                clock() - start for clock, start in zip(clocks, began, strict=True)
            )
            spent.anomalies = worker.counts.anomalies
            spent.busy_s, spent.waiting_s = dict(ledger.busy_s), dict(ledger.waiting_s)
            stop.request()

    return counted


def table(spent: Spent) -> str:
    """The table in Markdown: microseconds a record."""
    each = 1e6 / spent.records
    rows = [
        (step, spent.busy_s.get(step, 0) * each, spent.waiting_s.get(step, 0) * each, what)
        for step, what in STEPS.items()
    ]
    busy, waiting = sum(row[1] for row in rows), sum(row[2] for row in rows)
    floor = sum(row[1] for row in rows if row[0] in FLOOR)
    beside = (spent.process_s - spent.thread_s) * each
    lines = [
        (
            f"Microseconds a record, of one member over {spent.records:,} records in batches of "
            f"{spent.records / max(spent.batches, 1):,.0f}, {spent.anomalies / spent.records:.1%} of them anomalies, "
            "broker on the same two cores:"
        ),
        "",
        "| step | working | waiting | what |",
        "|---|---:|---:|---|",
        *(f"| {step} | {busy:.3f} | {waiting:.3f} | {what} |" for step, busy, waiting, what in rows),
        f"| **together** | **{busy:.3f}** | **{waiting:.3f}** | {1 / (busy + waiting):.2f} million records/s |",
        f"| librdkafka's threads | {beside:.3f} | | fetching, unpacking, sending, on another core if there is one |",
        "",
        (
            f"The floor is {floor:.2f}: {', '.join(FLOOR[:-1])} and {FLOOR[-1]}, which no record can do without. "
            f"A member that did nothing else and never waited would do {1 / floor:.2f} million records/s on one core."
        ),
    ]
    return "\n".join(lines)


def put(text: str, found: str) -> str:
    """The page with another table between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{found}\n{END}{after}"


def main(records: int) -> None:
    """Measure, print, and put the table into docs."""
    log.configure(level="WARNING")
    with (
        stage(own_lab(), PARTITIONS, lambda line: print(line, file=sys.stderr)) as on,  # noqa: T201 - it prints
        on.load(records, KEYS, PARTITIONS) as load,
    ):
        found = table(run(on, load))
    print(found)  # noqa: T201 - its result
    PAGE.write_text(put(PAGE.read_text(), found))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS)
