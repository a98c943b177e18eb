"""What a channel is, and the ways in which it may fail."""

from __future__ import annotations

from typing import Protocol

from consumer_alerts.telling import Message

TIMEOUT_S = 10.0  # of one message


class ChannelError(Exception):
    """A message did not arrive, or nobody knows; it is tried again.

    `after_s`: not sooner, as the other side asks. `unsure`: it may have arrived all the same. `refused`: the other side
    does not want this very message, and will not.
    """

    def __init__(self, reason: str, *, after_s: float = 0.0, unsure: bool = False, refused: bool = False) -> None:
        super().__init__(reason)
        self.after_s, self.unsure, self.refused = after_s, unsure, refused


class Channel(Protocol):
    """Sends one message at a time, in one thread."""

    def send(self, message: Message) -> str | None:
        """Returns what the other side calls the incident from then on, if that matters. Raises ChannelError."""

    def close(self) -> None:
        """Let go of connections."""
