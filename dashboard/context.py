"""What the routes work with."""

from __future__ import annotations

import hmac
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from dashboard.board import Board
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.records import Verdict


class Turning(Protocol):
    """Something that goes on in the background."""

    def turn(self) -> bool:
        """True while it does."""


class Streams:
    """Counts open pages, and refuses more than so many."""

    def __init__(self, limit: int) -> None:
        self._limit, self._open, self._lock = limit, 0, threading.Lock()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open

    def take(self) -> bool:
        """One more; False when there are too many."""
        with self._lock:
            if self._open >= self._limit:
                return False
            self._open += 1
            return True

    async def counted(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same events; the page is counted out at their end, however that comes."""
        try:
            async for event in events:
                yield event
        finally:
            with self._lock:
                self._open -= 1


@dataclass(frozen=True)
class Context:
    """One application's."""

    board: Board
    clock: Clock
    stop: Stop
    followers: Turning
    streams: Streams
    write: Callable[[str, Verdict | None], None]  # raises LabError unless the verdict was delivered
    token: str | None

    def is_token(self, given: str) -> bool:
        """True for the token."""
        return self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())
