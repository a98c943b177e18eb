"""`lab doctor`: is this machine fit for the lab, and what to do where it is not."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from commands.lab_settings import LabSettings
from kafka_cluster.embedded.checks import Problem, all_checks
from kafka_cluster.errors import EXIT_FAILURE

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on the last line of standard output.")
    ] = False,
) -> None:
    """Check Python, Java, memory, disk, ports, cached files and Docker; exit status 1 when one fails."""
    checks = all_checks(LabSettings.read())
    if as_json:
        print(json.dumps({"checks": [asdict(check) for check in checks]}))
    else:
        Console().print(_table(checks))
    if any(check.verdict == "fail" for check in checks):
        raise typer.Exit(EXIT_FAILURE)


def _table(checks: list[Problem]) -> Table:
    table = Table("", "", Column(overflow="fold"), box=None, show_header=False)
    for check in checks:
        colour = COLOURS[check.verdict]
        way_out = f"\n→ {check.way_out}" if check.way_out else ""
        table.add_row(f"[{colour}]{check.verdict}[/]", check.check, check.found + way_out)
    return table
