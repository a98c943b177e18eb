"""Many writes at once: so many in flight and no more, each repeated until it is acknowledged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from consumer_history.connection import AWAY, Connection

# Starts one request and returns the driver's future. Called again to send the same once more: it must be idempotent.
Send = Callable[[], Any]


def write_all(connection: Connection, requests: Iterable[Send]) -> None:
    """Returns when every request was acknowledged. Raises StoreAwayError when one was not in all its attempts."""
    flying: deque[tuple[Send, Any]] = deque()
    try:
        for send in requests:
            while len(flying) >= connection.settings.history_in_flight:
                _land(connection, *flying.popleft())
            flying.append((send, send()))
        while flying:
            _land(connection, *flying.popleft())
    finally:
        for _, future in flying:  # those behind the one that failed: let them end, whatever comes of them
            future.add_callbacks(_ignore, _ignore)


def _land(connection: Connection, send: Send, future: Any) -> None:
    try:
        future.result()
    except AWAY:
        connection.retried += 1
        connection.again(lambda: send().result())


def _ignore(_result: Any) -> None:
    """The batch is stored again as a whole."""
