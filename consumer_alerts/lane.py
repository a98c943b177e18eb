"""What waits for one channel: the newest message on each incident, and when the next attempt may be made."""

from __future__ import annotations

import random
from typing import NamedTuple

from consumer_alerts.channels.channel import ChannelError
from consumer_alerts.telling import Message, News

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
LEAST_JITTER = 0.5  # of a wait, so that many members do not come back at once
MOST_REFUSALS = 5  # of one message by the other side: then it is given up


class Failed(NamedTuple):
    """What came of an attempt that failed."""

    given_up: bool
    wait_s: float


class Lane:
    """Of one channel. An attempt that fails goes to the end of the queue, so that a bad message holds up no other."""

    def __init__(self, seed: int | None = None) -> None:
        self._waiting: dict[str, Message] = {}  # by incident
        self._flying: Message | None = None
        self._unread: set[str] = set()  # arrived, and the loop does not know yet
        self._refusals: dict[str, int] = {}
        self._unsure: set[str] = set()
        self._failures = 0
        self._not_before = float("-inf")
        self._random = random.Random(seed)  # noqa: S311 - spreads attempts, guards nothing

    def __len__(self) -> int:
        return len(self._waiting) + (self._flying is not None)

    @property
    def flying(self) -> bool:
        """Whether a message is on its way."""
        return self._flying is not None

    def offer(self, message: Message) -> None:
        """Take a message, in place of an older one on its incident.

        Not while one on it is on its way, or has arrived and `read` was not called: what is due is not known then.
        """
        identity = message.incident.id
        if identity not in self._unread and (self._flying is None or self._flying.incident.id != identity):
            self._waiting[identity] = message

    def read(self, identity: str) -> None:
        """Whoever offers messages knows by now what arrived on that incident."""
        self._unread.discard(identity)

    def wait_s(self, now: float) -> float | None:
        """Seconds until `next` gives a message; None while there is none."""
        return max(0.0, self._not_before - now) if self._waiting else None

    def next(self, now: float) -> Message | None:
        """The message to send now, on its way until `arrived` or `failed`. What is new goes before what is not."""
        if not self._waiting or now < self._not_before:
            return None
        identity = next(
            (one for one, it in self._waiting.items() if it.news is not News.AGAIN), next(iter(self._waiting))
        )
        message = self._waiting.pop(identity)
        self._flying = message._replace(repeat=message.repeat or identity in self._unsure)
        return self._flying

    def arrived(self) -> None:
        """The other side has it, and is there."""
        identity = self._landed().incident.id
        self._unread.add(identity)
        self._refusals.pop(identity, None)
        self._unsure.discard(identity)
        self._failures, self._not_before = 0, float("-inf")

    def failed(self, error: ChannelError, now: float) -> Failed:
        """It did not arrive, or nobody knows. It waits again, unless it was refused too often."""
        message = self._landed()
        identity = message.incident.id
        if error.unsure:
            self._unsure.add(identity)
        self._refusals[identity] = self._refusals.get(identity, 0) + error.refused
        given_up = self._refusals[identity] >= MOST_REFUSALS
        if given_up:
            del self._refusals[identity]
            self._unread.add(identity)
        else:
            self._waiting.setdefault(identity, message)
        longest_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        wait_s = max(error.after_s, longest_s * self._random.uniform(LEAST_JITTER, 1))
        self._not_before = now + wait_s
        return Failed(given_up, wait_s)

    def forget(self, partition: int) -> None:
        """Its incidents are somebody else's now."""
        self._waiting = {one: message for one, message in self._waiting.items() if message.partition != partition}

    def _landed(self) -> Message:
        message = self._flying
        assert message is not None  # noqa: S101 - the callers have taken it
        self._flying = None
        return message
