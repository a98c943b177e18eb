"""What a channel has to be told: the difference between an incident and what the channel has acknowledged.

Nothing else is kept of what is to be sent. A channel that was away is told how things stand now, not all that happened.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.rules import RANK
from kafka_cluster.incident import Incident, Phase, State, Told
from kafka_cluster.records import Severity


class News(StrEnum):
    """What there is to tell."""

    OPENED = "opened"
    UPDATED = "updated"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    OVER = "over"  # it ended before anybody could be told
    AGAIN = "again"  # nothing new, for those who forget


class Message(NamedTuple):
    """One thing to tell one channel."""

    incident: Incident
    told: Told
    news: News
    partition: int = 0
    repeat: bool = False  # the same may have arrived before
    page: str = ""  # address of the live page

    @property
    def ended(self) -> bool:
        """Whether it tells of an end."""
        return self.incident.state is State.RESOLVED


class Outcome(NamedTuple):
    """A message that arrived, or was given up."""

    partition: int
    incident: str  # id
    channel: str
    phase: Phase
    revision: int
    severity: Severity
    reference: str | None
    news: News


def news(incident: Incident, told: Told, config: ChannelConfig, now: int) -> News | None:
    """What the channel does not know yet and should; `now` by the clock, ms."""
    ended = incident.state is State.RESOLVED
    if told.phase is Phase.NOTHING:
        return News.OVER if ended else News.OPENED
    if told.phase is Phase.RESOLVED:
        # That it came back may have arrived without an answer: then its end is told once more.
        return News.REOPENED if not ended else News.RESOLVED if told.tried else None
    if ended:
        return News.RESOLVED
    grew = incident.revision > told.revision and 0 < config.updates_ms <= now - told.at
    if grew or RANK[incident.severity] > RANK[told.severity]:
        return News.UPDATED
    return News.AGAIN if 0 < config.resend_ms <= now - told.at else None


def outcome(message: Message, reference: str | None) -> Outcome:
    """The message arrived; `reference` is what the channel calls the incident."""
    incident = message.incident
    phase = Phase.RESOLVED if message.ended else Phase.OPEN
    return Outcome(
        message.partition,
        incident.id,
        message.told.channel,
        phase,
        incident.revision,
        incident.severity,
        reference,
        message.news,
    )


def acknowledged(incident: Incident, outcome: Outcome, now: int) -> Incident:
    """The incident, once the channel knows."""
    entry = Told(outcome.channel, outcome.phase, outcome.revision, outcome.severity, now, reference=outcome.reference)
    return incident._replace(told=tuple(entry if one.channel == entry.channel else one for one in incident.told))


def tried(incident: Incident, channel: str) -> Incident:
    """The incident, once an attempt may have arrived without being acknowledged."""
    return incident._replace(
        told=tuple(one._replace(tried=True) if one.channel == channel else one for one in incident.told)
    )
