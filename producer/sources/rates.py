"""Counters to rates, and what is known about the time between two looks."""

from __future__ import annotations

from collections.abc import Hashable

from kafka_cluster.clock import Clock
from kafka_cluster.log import get_logger

LONGEST_LOOKS = 3  # between two values of a counter that are still compared
LEAST_LONGEST_S = 1.0  # … however often it is looked: a busy machine may hold up a program so long
LEAST_JUMP_S = 1.0
log = get_logger()


class Rates:
    """The increase of counters a second, from one look to the next.

    There is no rate, and none is made up, for a counter that is seen for the first time, or that stands lower than
    before: it was reset, or has wrapped, and what it counted in between is lost. The next look has one again. What is
    not seen in a look is forgotten. It accumulates two numbers a counter.
    """

    def __init__(self, every_s: float) -> None:
        self._longest_s = max(LEAST_LONGEST_S, LONGEST_LOOKS * every_s)
        self._before: dict[Hashable, tuple[float, float]] = {}  # instant and value
        self._now: dict[Hashable, tuple[float, float]] = {}

    def begin_look(self) -> None:
        """What follows belongs to a new look."""
        self._before, self._now = self._now, {}

    def forget(self) -> None:
        """No earlier value is to be compared with."""
        self._before, self._now = {}, {}

    def seen_before(self, counter: Hashable) -> bool:
        """Whether it was there in the look before this one."""
        return counter in self._before

    def per_second(self, counter: Hashable, value: float, at_s: float) -> float | None:
        """In the counter's unit a second; None when it is not known. `at_s` is the instant of the value."""
        self._now[counter] = (at_s, value)
        then_s, then = self._before.get(counter, (at_s, value))
        elapsed_s = at_s - then_s
        if not 0 < elapsed_s <= self._longest_s or value < then:
            return None
        return (value - then) / elapsed_s


class Steadiness:
    """Whether time ran on as it should since the last look.

    A machine that was asleep, or whose clock was set, sees wall time and the time since its start drift apart; other
    machines' counters went on meanwhile. Rates across that are wrong.
    """

    def __init__(self, clock: Clock, every_s: float) -> None:
        self._clock, self._allowed_s = clock, max(LEAST_JUMP_S, every_s / 2)
        self._wall: float | None = None
        self._monotonic = 0.0

    def jumped(self) -> bool:
        """True when the two clocks disagree about how long ago the last call was. Says so."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        off_s = 0.0 if self._wall is None else (wall - self._wall) - (monotonic - self._monotonic)
        self._wall, self._monotonic = wall, monotonic
        if abs(off_s) <= self._allowed_s:
            return False
        log.warning("the clock jumped: rates begin anew", by_s=round(off_s, 1))
        return True
