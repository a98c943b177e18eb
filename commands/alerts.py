"""`lab alerts`: one alerts consumer in the foreground; what is open; a message to see whether a channel works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from commands.connect import in_var, read_settings
from commands.lab_settings import CHECKOUT
from consumer_alerts import rules_file, words
from consumer_alerts.channels.channel import ChannelError
from consumer_alerts.channels.make import make
from consumer_alerts.rules import Rules
from consumer_alerts.run import run
from consumer_alerts.settings import AlertsSettings
from consumer_alerts.trial import trial
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.errors import LabError
from kafka_cluster.hidden import hide
from kafka_cluster.incident import Incident, Kind, State
from kafka_cluster.read_topic import read_topic

DEFAULT = CHECKOUT / "alerts.yaml"
HEARTBEAT = Path("run") / "alerts.json"  # under LAB_VAR
Config = Annotated[Path | None, typer.Option("--config", help="alerts.yaml; else ALERTS_FILE, else the checkout's.")]

app = typer.Typer(help="Tell people of anomalies: incidents, and where they are told.", invoke_without_command=True)


@app.callback()
def alerts(
    context: typer.Context,
    config: Config = None,
    consumer_id: Annotated[
        str | None, typer.Option("--id", help="Name of this member; keep it over restarts, use it once at a time.")
    ] = None,
    static: Annotated[bool, typer.Option("--static", help="Keep the partitions while this member restarts.")] = False,
) -> None:
    """Join the alerts group, make incidents of anomalies, and tell people of them until Ctrl-C."""
    context.obj = config
    if context.invoked_subcommand is not None:
        return
    settings = read_settings(
        AlertsSettings,
        consumer_id=consumer_id,
        static_member=static or None,
        alerts_file=_file(config),
        heartbeat_file=in_var("HEARTBEAT_FILE", *HEARTBEAT.parts),
    )
    stop = Stop().on_signals()
    run(settings, SystemClock(stop), stop)


@app.command("list")
def list_open(
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones too, as long as they are kept.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Show the incidents that are open, from their topic."""
    found = sorted(_incidents(), key=lambda one: (one.kind, one.first))
    shown = [one for one in found if everything or one.state is State.OPEN]
    if as_json:
        print(json.dumps({"incidents": [one.to_avro() for one in shown]}))
        return
    table = Table("state", "severity", "key", "first", "lasted", "anomalies", "told to", "reason", box=None)
    for one in shown:
        told = ", ".join(f"{told.channel} ({told.phase.lower()})" for told in one.told) or _untold(one)
        key = "(storm)" if one.kind is Kind.STORM else one.key or ""
        lasted = words.lasted(one.last - one.first)
        table.add_row(
            one.state, one.severity, key, words.instant(one.first), lasted, f"{one.total:,}", told, one.reason
        )
    Console().print(table)


@app.command()
def test(
    context: typer.Context, channel: Annotated[str, typer.Argument(help="Its name in alerts.yaml; all: every one.")]
) -> None:
    """Send an incident that says it is a test to a channel, and its end after it."""
    rules = _rules(context.obj)
    if channel != "all" and channel not in rules.channels:
        raise LabError(f"channel {channel!r}", "is not in alerts.yaml", f"there are {', '.join(rules.channels)}")
    clock = SystemClock()
    for name in rules.channels if channel == "all" else [channel]:
        made = make(rules.channels[name], clock)
        try:
            trial(made, name, int(clock.now() * 1000))
        except ChannelError as error:
            raise LabError(f"channel {name!r}", hide(str(error)), "nothing was sent, or nobody knows") from None
        finally:
            made.close()
        typer.echo(f"{name}: an incident and its end arrived", err=True)


def _file(config: Path | None) -> Path | None:
    """What the command line says; else what the environment says, which the settings read; else the checkout's."""
    if config is not None:
        return config
    return None if AlertsSettings.read().alerts_file is not None else DEFAULT


def _rules(config: Path | None) -> Rules:
    return rules_file.read(_file(config) or AlertsSettings.read().alerts_file or DEFAULT)


def _incidents() -> list[Incident]:
    settings = read_settings(AlertsSettings)
    found: dict[str, Incident] = {}
    for record in read_topic(settings, settings.incidents_topic):
        if record.value is None:
            found.pop(record.key or "", None)
        else:
            found[record.key or ""] = Incident.from_avro(record.value)
    return list(found.values())


def _untold(incident: Incident) -> str:
    if incident.storm is not None:
        return "held back in a storm"
    return "pending" if incident.state is State.PENDING else "nobody"
