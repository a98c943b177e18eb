"""Exclusive time by step: what nested steps take is theirs, not that of the step around them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any


class Ledger:
    """Seconds by step, of one thread: those in which it worked, and those in which it waited (or was kept waiting)."""

    def __init__(self) -> None:
        self.busy_s: dict[str, float] = defaultdict(float)
        self.waiting_s: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = (0.0, 0.0)

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, with its time on that step."""

        @wraps(function)
        def booked(*arguments: Any, **named: Any) -> Any:
            self._book()
            self._open.append(step)
            try:
                return function(*arguments, **named)
            finally:
                self._book()
                self._open.pop()

        return booked

    def patch(self, step: str, owner: Any, name: str) -> Callable[[], None]:
        """Time `owner.name` from now on; returns what puts it back."""
        before = getattr(owner, name)
        setattr(owner, name, self.timed(step, before))
        return lambda: setattr(owner, name, before)

    def clear(self) -> None:
        """Forget what was booked so far."""
        self.busy_s.clear()
        self.waiting_s.clear()

    def _book(self) -> None:
        """What went by since the last call is the innermost open step's."""
        busy, wall = time.thread_time(), time.perf_counter()
        if self._open:
            self.busy_s[self._open[-1]] += busy - self._since[0]
            self.waiting_s[self._open[-1]] += (wall - self._since[1]) - (busy - self._since[0])
        self._since = busy, wall


class Proxy:
    """An object of a compiled type, some of whose methods are timed."""

    def __init__(self, target: Any, ledger: Ledger, steps: dict[str, str]) -> None:
        self._target = target
        for name, step in steps.items():
            setattr(self, name, ledger.timed(step, getattr(target, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)
