"""An incident in words, for every channel that shows text."""

from __future__ import annotations

from datetime import UTC, datetime

from consumer_alerts.telling import Message, News
from detectors.config_file import UNITS_MS, shown_ms
from kafka_cluster.incident import Incident, Kind

MS_PER_S = 1_000
LEADS = {
    News.OPENED: "Open",
    News.UPDATED: "Still open",
    News.AGAIN: "Still open",
    News.REOPENED: "Open again",
    News.RESOLVED: "Resolved",
    News.OVER: "Over before it could be told",
}


def title(message: Message) -> str:
    """One line: what there is to tell, how severe, of which key."""
    incident = message.incident
    lead = LEADS[message.news]
    if message.repeat and message.news is News.OPENED:
        lead = "Still open (this may be a repeat)"
    elif message.repeat:
        lead += " (this may be a repeat)"
    return f"{lead}: {incident.severity} {subject(incident)}"


def subject(incident: Incident) -> str:
    """What it is about."""
    if incident.kind is Kind.STORM:
        return "alert storm"
    return f"anomalies on {incident.key}" if incident.key else "anomalies without a key"


def facts(message: Message) -> dict[str, str]:
    """What else there is to know, by name, in the order to show it."""
    incident = message.incident
    storm = incident.kind is Kind.STORM
    found = {
        "keys" if storm else "key": _keys(incident) if storm else incident.key or "",
        "severity": str(incident.severity),
        "held back" if storm else "anomalies": f"{incident.total:,}",
        "peak score": f"{incident.peak_score:.3f}",
        "first": instant(incident.first),
        "last": instant(incident.last),
        "lasted": lasted(incident.last - incident.first),
        "detectors": ", ".join(incident.detectors),
        "reopened": str(incident.reopened) if incident.reopened else "",
        "incident": incident.id,
        "link": link(message),
    }
    return {name: value for name, value in found.items() if value}


def body(message: Message) -> str:
    """The reason, and the facts, a line each."""
    lines = [f"{name}: {value}" for name, value in facts(message).items()]
    return "\n".join((message.incident.reason, "", *lines))


def link(message: Message) -> str:
    """Where to look closer; empty without a page."""
    incident = message.incident
    return f"{message.page}/#/anomalies/{incident.peak_id}" if message.page else ""


def instant(at: int) -> str:
    """Milliseconds since the epoch as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at / MS_PER_S, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def lasted(duration_ms: int) -> str:
    """A duration, to the second where it is longer than that."""
    unit = next((UNITS_MS[name] for name in ("h", "m", "s") if duration_ms >= 10 * UNITS_MS[name]), 1)
    return shown_ms(duration_ms // unit * unit) if duration_ms else "one instant"


def _keys(incident: Incident) -> str:
    named = ", ".join(key or "(none)" for key in incident.keys)
    return named if incident.total <= len(incident.keys) else f"{named}, …"
