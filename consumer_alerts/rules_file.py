"""alerts.yaml: what may stand in it, and the rules that it says. docs/how-to/alerts.md explains it for people."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.channels.options import channel
from consumer_alerts.maintenance import DAYS, MINUTE_MS, Window
from consumer_alerts.rules import Rule, Rules, StormLimit
from detectors import config_file
from detectors.config_file import ConfigError, Field
from kafka_cluster.records import Severity

MOST_MINUTES = 24 * 60
PARTS = ("incidents", "rules", "maintenance", "storm", "channels", "ignore_older_than", "keep", "page")
HANDLING = ("min_severity", "min_count", "gap", "reopen", "resolve_after", "channels")
SCOPE = ("keys", "detectors", "mute")


def read(path: Path) -> Rules:
    """The rules of a file. Raises ConfigError: file, line, field."""
    return rules(config_file.read(path), path)


def rules(whole: Field, *files: Path) -> Rules:
    """The rules of a mapping. Raises ConfigError."""
    found = whole.fields(PARTS, ("channels",))
    page = found["page"].text().rstrip("/") if "page" in found else ""
    channels = {name: channel(name, field) for name, field in found["channels"].mapping().items()}
    if not channels:
        raise found["channels"].wrong("names no channel", "at least {type: log}")
    default = Rule(channels=tuple(channels))
    if "incidents" in found:
        default = _handling(default, found["incidents"].fields(HANDLING), channels)
    made = Rules(
        default=default,
        rules=_rules(found["rules"], default, channels) if "rules" in found else (),
        windows=tuple(_window(item) for item in found["maintenance"].items()) if "maintenance" in found else (),
        storm=_storm(found["storm"]) if "storm" in found else StormLimit(),
        ignore_older_ms=found["ignore_older_than"].duration_ms() if "ignore_older_than" in found else 0,
        keep_ms=found["keep"].duration_ms() if "keep" in found else Rules.keep_ms,
        channels=channels,
        page=page,
        files=files,
    )
    reach_ms = max(rule.reach_ms for rule in (default, *made.rules))
    if made.keep_ms < reach_ms:
        shown = config_file.shown_ms(reach_ms)
        raise found.get("keep", whole).wrong(f"keep is below the longest gap and reopen together, {shown}")
    return made


def _rules(field: Field, default: Rule, channels: dict[str, ChannelConfig]) -> tuple[Rule, ...]:
    named: dict[str, Rule] = {}
    for item in field.items():
        found = item.fields(("name", *SCOPE, *HANDLING), ("name",))
        name = found["name"].text()
        if name in named:
            raise found["name"].wrong(f"{name!r} is the name of an earlier rule")
        rule = _handling(default, found, channels)
        named[name] = Rule(
            name=name,
            keys=found["keys"].texts() if "keys" in found else ("*",),
            detectors=found["detectors"].texts() if "detectors" in found else ("*",),
            mute=_truth(found["mute"]) if "mute" in found else False,
            **{part: getattr(rule, part) for part in PARTS_OF_RULE},
        )
    return tuple(named.values())


PARTS_OF_RULE = ("min_severity", "min_count", "gap_ms", "reopen_ms", "resolve_after_ms", "channels")


def _handling(default: Rule, found: dict[str, Field], channels: dict[str, ChannelConfig]) -> Rule:
    """What a mapping says of how incidents are handled; what it does not say is as in `default`."""

    def duration_ms(name: str, otherwise: int, least: int = 0) -> int:
        if name not in found:
            return otherwise
        if (given := found[name].duration_ms()) < least:
            raise found[name].wrong("must be above 0s")
        return given

    return Rule(
        min_severity=severity(found["min_severity"]) if "min_severity" in found else default.min_severity,
        min_count=int(found["min_count"].number(1)) if "min_count" in found else default.min_count,
        gap_ms=duration_ms("gap", default.gap_ms, 1),
        reopen_ms=duration_ms("reopen", default.reopen_ms),
        resolve_after_ms=duration_ms("resolve_after", default.resolve_after_ms, 1),
        channels=_names(found["channels"], channels) if "channels" in found else default.channels,
    )


def _names(field: Field, channels: dict[str, ChannelConfig]) -> tuple[str, ...]:
    names = field.texts()
    for name in names:
        if name not in channels:
            raise field.wrong(f"there is no channel {name!r}", f"there are {', '.join(channels)}")
    return tuple(dict.fromkeys(names))


def severity(field: Field) -> Severity:
    """One of the severities. Raises ConfigError."""
    return Severity(field.text([str(one) for one in Severity]))


def _truth(field: Field) -> bool:
    if not isinstance(field.value, bool):
        raise field.wrong(f"must be true or false, got {field.shown()}")
    return field.value


def _storm(field: Field) -> StormLimit:
    found, usual = field.fields(("limit", "every", "quiet")), StormLimit()
    every_ms = found["every"].duration_ms() if "every" in found else usual.every_ms
    if every_ms == 0:
        raise found["every"].wrong("must be above 0s")
    return StormLimit(
        int(found["limit"].number(0)) if "limit" in found else usual.limit,
        every_ms,
        found["quiet"].duration_ms() if "quiet" in found else usual.quiet_ms,
    )


def _window(field: Field) -> Window:
    found = field.fields(("name", "keys", "from", "to", "daily", "days"), ("name",))
    name, keys = found["name"].text(), found["keys"].texts() if "keys" in found else ("*",)
    if "daily" in found:
        if "from" in found or "to" in found:
            raise field.wrong("is either daily or from one instant to another")
        begin, end = _times_of_day(found["daily"])
        days = tuple(DAYS.index(day) for day in _days(found["days"])) if "days" in found else tuple(range(len(DAYS)))
        return Window(name, keys, begin, end, daily=True, days=days)
    if "days" in found:
        raise found["days"].wrong("go with `daily` alone")
    if not {"from", "to"} <= found.keys():
        raise field.wrong("needs `from` and `to`, or `daily`")
    begin, end = _instant_ms(found["from"]), _instant_ms(found["to"])
    if end <= begin:
        raise found["to"].wrong("is not after `from`")
    return Window(name, keys, begin, end)


def _days(field: Field) -> tuple[str, ...]:
    if not isinstance(field.value, list):
        return (field.text(DAYS),)
    return tuple(item.text(DAYS) for item in field.items())


def _times_of_day(field: Field) -> tuple[int, int]:
    try:
        begin, end = (_minutes(part) * MINUTE_MS for part in str(field.value).split("-"))
    except ValueError:
        raise field.wrong(f"must be two times of the day, such as 02:00-03:30, got {field.shown()}") from None
    if begin == end:
        raise field.wrong("begins when it ends", "00:00-24:00 is the whole day")
    return begin, end


def _minutes(text: str) -> int:
    hours, minutes = (int(part) for part in text.strip().split(":"))
    total = 60 * hours + minutes
    if not (hours >= 0 and 0 <= minutes < 60 and total <= MOST_MINUTES):  # noqa: PLR2004 - minutes of an hour
        raise ValueError(text)
    return total


def _instant_ms(field: Field) -> int:
    """A YAML timestamp; without a zone it is UTC, and a date is its midnight."""
    if not isinstance(field.value, date):
        raise _no_instant(field)
    value = field.value if isinstance(field.value, datetime) else datetime(*field.value.timetuple()[:3], tzinfo=UTC)
    return round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000)


def _no_instant(field: Field) -> ConfigError:
    return field.wrong(f"must be an instant such as 2026-12-24T22:00:00Z, got {field.shown()}")
