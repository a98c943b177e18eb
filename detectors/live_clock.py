"""What time it is in a stream that says nothing: told by the wall clock, as long as the two went together before.

A record comes with two times: its own, and the one at which the broker appended it. Their difference is how far the
stream lies behind the wall clock. Of up to MEMORY records, SPACING_MS or more apart, the middle 80 % of these lags is
taken. Where they differ by less than a quarter of the time that the records span, the stream is live: its time goes on
with the wall clock's, and it is now the wall clock's time less the longest usual lag and SLACK_MS, which is for what
holds up a stream as a whole (a broker that fails over, a batch under way).

A replay that is speeded up or slowed down, a backlog that is sent after an outage, old data loaded at once: there the
lag grows or shrinks by as much as time goes by, and the clock says nothing. A replay of old data at its own pace is as
live as any. Times are the broker's, so that it does not matter when and how often the records are read.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

MEMORY = 64  # records
FEWEST = 8
SPACING_MS = 250
SHORTEST_MS = 2_000  # that they span
STEADY = 0.25  # of the span
MIDDLE = (0.1, 0.9)
SLACK_MS = 10_000


class LiveClock:
    """The clock of one stream (one partition)."""

    def __init__(self) -> None:
        self._last_ms = -(2**62)
        self._noted: deque[tuple[int, int]] = deque(maxlen=MEMORY)  # appended, lag

    def note(self, appended_ms: int, event_ms: int) -> None:
        """Take note of a record; those closer than SPACING_MS to the one before are passed over."""
        if appended_ms - self._last_ms >= SPACING_MS:
            self._last_ms = appended_ms
            self._noted.append((appended_ms, appended_ms - event_ms))

    def stream_ms(self, now_ms: int) -> int | None:
        """The stream's time when the wall clock says `now_ms`; None where it does not go with the wall clock."""
        if len(self._noted) < FEWEST:
            return None
        appended, lags = np.array(self._noted, np.int64).T
        span = int(appended[-1] - appended[0])
        low, high = np.quantile(lags, MIDDLE).tolist()
        if span < SHORTEST_MS or high - low > STEADY * span:
            return None
        return now_ms - int(high) - SLACK_MS
