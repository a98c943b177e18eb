"""A channel from its configuration and its secrets."""

from __future__ import annotations

import logging

from consumer_alerts import secrets
from consumer_alerts.channels.alertmanager import Alertmanager
from consumer_alerts.channels.channel import Channel
from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.channels.others import AppriseChannel, Log, Webhook
from consumer_alerts.channels.pagerduty import PagerDuty
from consumer_alerts.channels.slack import SlackBot, SlackWebhook
from kafka_cluster.clock import Clock

# Below a warning they tell of every request, with all that is in it.
TALKATIVE = ("apprise", "httpcore2", "httpx2", "pagerduty", "slack_sdk", "urllib3")


def make(config: ChannelConfig, clock: Clock) -> Channel:
    """Raises ConfigError where a secret is missing."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    found = secrets.read(config.secrets)
    channel: Channel
    match config.type:
        case "alertmanager":
            channel = Alertmanager(config, found, clock)
        case "pagerduty":
            channel = PagerDuty(config, found)
        case "slack":
            channel = SlackBot(config, found) if "token" in found else SlackWebhook(config, found)
        case "apprise":
            channel = AppriseChannel(config, found)
        case "webhook":
            channel = Webhook(config, found, clock)
        case _:
            channel = Log()
    return channel
