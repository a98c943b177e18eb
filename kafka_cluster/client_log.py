"""What librdkafka says, as events of our log: by itself it writes lines of its own to standard error."""

from __future__ import annotations

import re
from typing import Any

from kafka_cluster.clock import Clock, SystemClock
from kafka_cluster.log import get_logger

SAME_AGAIN_S = 10.0  # a client that cannot reach its broker says so several times a second
_VARYING = re.compile(r"\(after \d+ms in state.*?\)|\d+ identical error\(s\) suppressed")
log = get_logger()


class Repeats:
    """Holds back what was said a moment ago, and counts it. Remembers one sentence a speaker."""

    def __init__(self, clock: Clock, again_s: float = SAME_AGAIN_S) -> None:
        self._clock, self._again_s = clock, again_s
        self._last: dict[str, tuple[str, float]] = {}
        self._held_back: dict[str, int] = {}

    def news(self, speaker: str, said: str) -> int | None:
        """None for what is to be held back, else how often the speaker was held back since it was last heard."""
        said, now = _VARYING.sub("", said), self._clock.monotonic()
        before, at = self._last.get(speaker, ("", float("-inf")))
        if said == before and now - at < self._again_s:
            self._held_back[speaker] = self._held_back.get(speaker, 0) + 1
            return None
        self._last[speaker] = said, now
        return self._held_back.pop(speaker, 0)


class ClientLog:
    """What a client takes as its `logger`, and as its `error_cb`."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._repeats = Repeats(clock or SystemClock())

    def log(self, level: int, _form: str, facility: str, client: str, said: str) -> None:
        """One line of librdkafka's. `level` is one of the standard library's."""
        held_back = self._repeats.news(f"{client} {facility}", said)
        if held_back is not None:
            log.log(level, "librdkafka", client=client, facility=facility, said=said, **_counted(held_back))

    def error(self, error: Any) -> None:
        """An error that concerns the client as a whole; it goes on by itself, unless the error is fatal."""
        held_back = self._repeats.news(f"error {error.code()}", error.str())
        if held_back is not None:
            log.warning("kafka client", error=error.str(), fatal=error.fatal(), **_counted(held_back))

    def config(self) -> dict[str, Any]:
        """The part of a configuration that makes a client speak through this."""
        return {"logger": self, "error_cb": self.error}


def _counted(held_back: int) -> dict[str, int]:
    return {"held_back": held_back} if held_back else {}
