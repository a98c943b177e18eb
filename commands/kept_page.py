"""The page that `lab demo --keep` leaves up: a process that `lab down` finds by its command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from commands.demo_processes import Program
from commands.lab_settings import LabSettings
from dashboard.settings import DashboardSettings
from kafka_cluster.embedded import ports, process

NAME = "dashboard"
PORT = "DASHBOARD_PORT"
STOP_TIMEOUT_S = 10.0


def default_port(settings: LabSettings) -> int | None:
    """The page's port, moved with all others by LAB_PORT_OFFSET; None where the environment names one."""
    if os.environ.get(PORT):
        return None
    return int(DashboardSettings.model_fields["dashboard_port"].default) + settings.lab_port_offset


def start_page(settings: LabSettings, env: dict[str, str]) -> Program:
    """Start it, unleashed, on a free port where the default one is taken; its heartbeat tells the address."""
    var = settings.lab_var
    heartbeat_file, log = var / "run" / f"{NAME}.json", var / "logs" / f"{NAME}.log"
    heartbeat_file.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    port = default_port(settings)
    chosen = {} if port is None else {PORT: str(port if ports.is_free(port) else 0)}
    whole_env = {**os.environ, **env, **chosen, "HEARTBEAT_FILE": str(heartbeat_file)}
    started = process.spawn(NAME, [sys.executable, "-m", "dashboard", _marker(var)], log, env=whole_env)
    return Program(NAME, started, log, heartbeat_file)


def stop_page(settings: LabSettings) -> list[str]:
    """Stop what `start_page` started for this folder, whoever called it; the names of what ran."""
    found = list(process.running(_marker(settings.lab_var)))
    return [NAME for one in found if process.stop(one, STOP_TIMEOUT_S) != "was not running"]


def _marker(var: Path) -> str:
    return f"--kept-under={var}"
