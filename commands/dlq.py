"""`lab dlq`: what nobody could use, why, and sending it back once the cause is mended."""

from __future__ import annotations

import datetime as dt
import json
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from confluent_kafka import KafkaException
from rich.console import Console
from rich.table import Column, Table

from commands.connect import read_settings
from commands.hexdump import hexdump
from kafka_cluster.clients import wait_for_broker
from kafka_cluster.clock import SystemClock
from kafka_cluster.errors import LabError
from kafka_cluster.letters import Examiner, Letter, open_letters, reader
from kafka_cluster.registry import HttpRegistry
from kafka_cluster.replay_letters import BATCH, Outcome, Replay
from kafka_cluster.settings import KafkaSettings

app = typer.Typer(help="List, look at and send back dead letters.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on the last line of standard output.")]
WIDE = 160  # columns of the table, so that addresses stay whole


@dataclass
class Group:
    """Letters with one error from one topic; times are when they became dead letters, milliseconds since the epoch."""

    error: str
    topic: str
    count: int
    first_ms: int
    last_ms: int
    example: str  # topic/partition/offset of a record

    def add(self, letter: Letter) -> None:
        """Take one more into account."""
        self.count += 1
        self.first_ms, self.last_ms = min(self.first_ms, letter.died_ms), max(self.last_ms, letter.died_ms)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the open letters by error and source topic: how many, since when, and an example's address."""
    settings = _settings()
    groups: dict[tuple[str, str], Group] = {}
    for letter in _open(settings):
        key = (letter.dead.error, letter.dead.topic)
        fresh = Group(*key, 0, letter.died_ms, letter.died_ms, letter.address)
        groups.setdefault(key, fresh).add(letter)
    ordered = sorted(groups.values(), key=lambda group: (-group.count, group.error, group.topic))
    if as_json:
        print(json.dumps({"letters": sum(group.count for group in ordered), "groups": [*map(asdict, ordered)]}))
    elif ordered:
        table = Table("error", "topic", Column("letters", justify="right"), "first", "last", "example", box=None)
        for group in ordered:
            times = (_instant(group.first_ms), _instant(group.last_ms))
            table.add_row(group.error, group.topic, f"{group.count:,}", *times, group.example)
        Console(width=WIDE).print(table)
        print("`./lab dlq show ADDRESS` shows one, `./lab dlq replay` sends back those that can be used now.")
    else:
        print(f"No dead letters in topic {settings.dead_letters_topic!r}.")


@app.command()
def show(
    address: Annotated[str | None, typer.Argument(help="Where it came from: topic/partition/offset.")] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="Without an address: the last so many.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Show letters: key, reason, bytes, and what the codec says about them now."""
    settings = _settings()
    found = deque((one for one in _open(settings) if address in (None, one.address)), maxlen=number)
    if address is not None and not found:
        raise LabError(f"dead letter {address}", "there is no such open letter", "`lab dlq list` shows examples")
    with HttpRegistry(settings) as registry:
        examiner = Examiner(settings, registry)
        told = [_told(letter, complaint, examiner) for letter, complaint in _complaints(list(found), examiner)]
    if as_json:
        print(json.dumps({"letters": told}, default=str))
    elif told:
        print("\n\n".join(_page(letter, entry) for letter, entry in zip(found, told, strict=True)))
    else:
        print(f"No dead letters in topic {settings.dead_letters_topic!r}.")


@app.command()
def replay(
    to: Annotated[str | None, typer.Option(help="Send them there, not to where they came from.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what cannot be decoded, or was sent before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="Letters a transaction, at most.")] = BATCH,
    as_json: AsJson = False,
) -> None:
    """Send letters back that can be decoded now, each once, however often the command is killed and run again."""
    settings = _settings()
    with HttpRegistry(settings) as registry:
        work = Replay(settings, registry, to, everything=everything, batch=batch)
        outcome = work.plan() if dry_run else work.run()
    if as_json:
        counts = {"sent": dict(outcome.sent), "stay": dict(outcome.stay)}
        print(json.dumps({"replayed": outcome.sent.total(), "dry_run": dry_run, **counts}))
    else:
        print(_said(outcome, dry_run=dry_run))


def _settings() -> KafkaSettings:
    settings = read_settings(KafkaSettings)
    wait_for_broker(settings, SystemClock())
    return settings


def _open(settings: KafkaSettings) -> Iterator[Letter]:
    with closing(reader(settings)) as consumer:
        try:
            yield from open_letters(consumer, settings.dead_letters_topic)
        except KafkaException as error:
            raise LabError("dead letters", error.args[0].str(), "try again") from None


def _complaints(letters: list[Letter], examiner: Examiner) -> list[tuple[Letter, str | None]]:
    return list(zip(letters, examiner.complaints(letters), strict=True))


def _told(letter: Letter, complaint: str | None, examiner: Examiner) -> dict[str, Any]:
    dead = letter.dead
    return {
        "address": letter.address,
        "died": _instant(letter.died_ms),
        "key": None if dead.key is None else dead.key.decode(errors="replace"),
        "headers": {name: (content or b"").decode(errors="replace") for name, content in dead.headers()},
        "bytes": None if dead.value is None else dead.value.hex(),
        "now": "can be decoded" if complaint is None else complaint,
        "record": None if complaint else examiner.record(letter),
    }


def _page(letter: Letter, told: dict[str, Any]) -> str:
    """What a person sees of one letter."""
    dead = letter.dead
    lines = [
        f"{told['address']}  key {told['key']!r}",
        *(f"  {name}: {content}" for name, content in told["headers"].items() if name not in ("topic", "offset")),
        f"  dead since: {told['died']}",
        f"  now: {told['now']}" + (f": {json.dumps(told['record'], default=str)}" if told["record"] else ""),
        f"  value: {'none' if dead.value is None else f'{len(dead.value)} bytes'}",
        *(f"    {line}" for line in hexdump(dead.value or b"")),
    ]
    return "\n".join(lines)


def _said(outcome: Outcome, *, dry_run: bool) -> str:
    where = ", ".join(f"{count} to {topic}" for topic, count in sorted(outcome.sent.items())) or "none"
    why = ", ".join(f"{count} {reason}" for reason, count in outcome.stay.most_common())
    stays = f" {outcome.stay.total()} stay: {why}." if why else ""
    hint = " `--all` sends those too." if why and set(outcome.stay) != {"no source topic"} else ""
    return f"{'Would send' if dry_run else 'Sent'} back: {where}.{stays}{hint}"


def _instant(at_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S}Z"
