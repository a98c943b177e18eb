"""`lab faults`: break the lab under load, and count what is lost, repeated or out of order."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.faults import volume
from benchmarks.faults.suite import NAMES, VOLUME_FULL, Plan, Row, run_suite
from commands.lab_settings import LabSettings
from kafka_cluster import log
from kafka_cluster.errors import LabError

COLUMNS = ("fault", "records", "anomalies", "dead_letters", "lost", "duplicated", "out_of_order", "foreign",
           "recovery_s", "restarts", "run_s")  # fmt: skip

# Short enough that all of them stand beside each other on eighty columns.
HEADS = {"anomalies": "found", "dead_letters": "dead", "duplicated": "twice", "out_of_order": "order",
         "foreign": "wrong", "recovery_s": "back s", "restarts": "died", "run_s": "run s"}  # fmt: skip


def faults(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(NAMES)}; may be repeated.")] = None,
    records: Annotated[int, typer.Option(min=20_000, help="Records of each run.")] = 150_000,
    rate: Annotated[int, typer.Option(min=1_000, help="Records a second.")] = 15_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the records, the poison and the models.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Break the lab in nine ways under load and compare what was committed with an undisturbed run."""
    wanted = tuple(only or NAMES)
    if unknown := sorted(set(wanted) - set(NAMES)):
        raise LabError("--only", f"no fault {', '.join(unknown)}", f"there are {', '.join(NAMES)}")
    skipped = _skipped(wanted)
    log.configure(level="ERROR")  # every program's own log is under var/
    lab = LabSettings.read()
    settings = lab.model_copy(update={"lab_var": lab.lab_var / "faults"})
    plan = Plan([name for name in wanted if name not in skipped], records, rate, seed)
    begin_s = time.monotonic()
    rows = run_suite(settings, plan, lambda line: print(line, file=sys.stderr, flush=True))
    _show(rows, skipped)
    if as_json:
        result: dict[str, Any] = {"faults": [asdict(row) for row in rows], "skipped": skipped, "seed": seed,
                                  "seconds": round(time.monotonic() - begin_s, 1)}  # fmt: skip
        print(json.dumps(result))
    if not all(row.clean for row in rows):
        raise typer.Exit(1)


def _skipped(wanted: tuple[str, ...]) -> dict[str, str]:
    """Faults that this machine does not allow, and why."""
    if VOLUME_FULL not in wanted:
        return {}
    reason = volume.enter()
    return {} if reason is None else {VOLUME_FULL: reason}


def _show(rows: list[Row], skipped: dict[str, str]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        table.add_column(HEADS.get(name, name), justify="left" if name == "fault" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(getattr(row, name)) for name in COLUMNS), style=None if row.clean else "red")
    console = Console(stderr=True, highlight=False)
    console.print(table)
    for name, reason in skipped.items():
        console.print(f"{name}: skipped, {reason}")


def _cell(value: float | str | None) -> str:
    """Numbers with thousands apart; what is not known is a dash."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,}"
