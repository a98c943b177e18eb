"""`lab dashboard`: the live page in the foreground."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from commands.connect import in_var, read_settings
from commands.kept import default_port
from commands.lab_settings import LabSettings
from dashboard.run import run
from dashboard.settings import DashboardSettings
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.dataset import DATASET_FILE

HEARTBEAT = Path("run") / "dashboard.json"  # under LAB_VAR


def dashboard(
    host: Annotated[str | None, typer.Option(help="Address to listen on; beyond loopback a token is needed.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one.")] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Serve the live page until Ctrl-C: series, anomalies and why, the pipeline; verdicts by one click."""
    settings = read_settings(
        DashboardSettings,
        dashboard_host=host,
        dashboard_port=default_port(LabSettings.read()) if port is None else port,
        models_dir=in_var("MODELS_DIR", "models"),
        dashboard_dataset=in_var("DASHBOARD_DATASET", "data", DATASET_FILE),
        heartbeat_file=in_var("HEARTBEAT_FILE", *HEARTBEAT.parts),
    )
    stop = Stop().on_signals()

    def ready(url: str) -> None:
        print(f"The page is at {url} until Ctrl-C.", file=sys.stderr)
        if browse:
            webbrowser.open(url)

    run(settings, SystemClock(stop), stop, ready)
