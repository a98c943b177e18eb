"""Quix Streams beside the lab: installed apart, on first use, and run as a program of its own."""

from __future__ import annotations

import json
import subprocess
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kafka_cluster.embedded.settings import CHECKOUT
from kafka_cluster.settings import KafkaSettings

LOCK = CHECKOUT / "requirements-bench.lock"
VENV = CHECKOUT / ".venv-bench"
PROGRAM = Path(__file__).resolve().with_name("quix_decode.py")
RECORDS, SECONDS = 300_000, 10.0  # whichever comes first
TIMEOUT_S = 120.0  # its start, and its wait for a topic that stays empty, included


class NotAvailableError(Exception):
    """The library cannot be installed or run here; says why."""


def decode_per_s(settings: KafkaSettings, records: int) -> float:
    """Records a second that it consumes and decodes from the metrics topic. Raises NotAvailableError."""
    limits = [str(min(records, RECORDS)), str(SECONDS)]
    where = [settings.kafka_bootstrap_servers, settings.schema_registry_url, settings.metrics_topic]
    try:
        command = [_python(), str(PROGRAM), *where, *limits]
        with TemporaryDirectory() as scratch:  # it leaves a folder where it runs
            ended = subprocess.run(  # noqa: S603 - our own program
                command, capture_output=True, text=True, check=True, timeout=TIMEOUT_S, cwd=scratch
            )
    except subprocess.CalledProcessError as error:
        raise NotAvailableError(_last_line(error.stderr)) from None
    except subprocess.TimeoutExpired:
        raise NotAvailableError(f"no answer in {TIMEOUT_S:.0f} s") from None
    return rate(ended.stdout)


def rate(output: str) -> float:
    """What the program found, from its standard output. Raises NotAvailableError where it found nothing."""
    found = json.loads(_last_line(output) or "{}").get("per_s")
    if found is None:
        raise NotAvailableError("it read no record")
    return float(found)


def _python() -> str:
    """The interpreter that has it. The launcher installs it, by the same rules as the lab itself."""
    launcher = _launcher()
    try:
        launcher.ensure_installed(str(LOCK), str(VENV))
    except SystemExit as error:
        raise NotAvailableError(str(error.code)) from None
    return str(launcher.python_of(str(VENV)))


def _launcher() -> Any:
    loader = SourceFileLoader("launcher", str(CHECKOUT / "lab"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None  # noqa: S101 - a loader was given
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def _last_line(text: str) -> str:
    return next(iter(text.strip().splitlines()[-1:]), "")
