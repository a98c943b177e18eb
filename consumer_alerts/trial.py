"""A message that says it is a test, to see whether a channel works."""

from __future__ import annotations

from consumer_alerts.channels.channel import Channel
from consumer_alerts.telling import Message, News
from kafka_cluster.incident import Incident, Kind, Phase, State, Told, incident_id
from kafka_cluster.records import Severity

KEY = "test"
REASON = "This is a test of the channel: nothing is wrong."


def trial(channel: Channel, name: str, now: int) -> None:
    """Send an incident, and its end. Raises ChannelError."""
    opened = Incident(
        id=incident_id(KEY, f"{name}/{now}"),
        kind=Kind.INCIDENT,
        key=KEY,
        state=State.OPEN,
        severity=Severity.LOW,
        total=1,
        peak_score=0.0,
        peak_id=incident_id(None, str(now)),
        reason=REASON,
        first=now,
        last=now,
        detectors=(KEY,),
        seen_at=now,
        opened_at=now,
        released_at=now,
        revision=1,
    )
    reference = channel.send(Message(opened, Told(name), News.OPENED))
    ended = opened._replace(state=State.RESOLVED, resolved_at=now, revision=2)
    channel.send(Message(ended, Told(name, Phase.OPEN, 1, reference=reference), News.RESOLVED))
