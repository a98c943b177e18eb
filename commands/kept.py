"""What outlives a kept demo beside the servers: the live page, and with `--live` the producer and its consumers.

They are processes without a leash that `lab down` finds by their command line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from commands.demo_processes import Program
from commands.lab_settings import LabSettings
from dashboard.settings import DashboardSettings
from kafka_cluster.embedded import ports, process

PORT = "DASHBOARD_PORT"
STOP_TIMEOUT_S = 10.0


def default_port(settings: LabSettings) -> int | None:
    """The page's port, moved with all others by LAB_PORT_OFFSET; None where the environment names one."""
    if os.environ.get(PORT):
        return None
    return int(DashboardSettings.model_fields["dashboard_port"].default) + settings.lab_port_offset


def page_port(settings: LabSettings) -> dict[str, str]:
    """The variable that puts the page on its default port, or on a free one where that is taken."""
    port = default_port(settings)
    return {} if port is None else {PORT: str(port if ports.is_free(port) else 0)}


def start(module: str, name: str, settings: LabSettings, env: Mapping[str, str]) -> Program:
    """Start `python -m module`; its log and heartbeat are named after it, under LAB_VAR."""
    var = settings.lab_var
    heartbeat_file, log = var / "run" / f"{name}.json", var / "logs" / f"{name}.log"
    heartbeat_file.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    whole_env = {**os.environ, **env, "HEARTBEAT_FILE": str(heartbeat_file)}
    started = process.spawn(name, [sys.executable, "-m", module, _marker(var), name], log, env=whole_env)
    return Program(name, started, log, heartbeat_file)


def stop_all(settings: LabSettings) -> list[str]:
    """Stop what was started for this folder, whoever called it; the names of what ran."""
    found = [(_name(one), one) for one in process.running(_marker(settings.lab_var))]
    return sorted(name for name, one in found if process.stop(one, STOP_TIMEOUT_S) != "was not running")


def _marker(var: Path) -> str:
    return f"--kept-under={var}"


def _name(one: process.Process) -> str:
    try:
        found = one.find()
        return one.name if found is None else str(found.cmdline()[-1])
    except (psutil.Error, IndexError):  # it has just ended
        return one.name
