"""What a member of the history group has done, for its log and its heartbeat."""

from __future__ import annotations

from dataclasses import dataclass

from consumer_history.decode import Events
from consumer_history.report import Found
from consumer_history.shedding import Lag
from kafka_cluster.log import get_logger

log = get_logger()


@dataclass
class Counts:
    """What this member has committed since its start, and how far behind it is."""

    stored: int = 0  # events
    checked: int = 0  # of them
    anomalies: int = 0
    dead_letters: int = 0
    lag_s: float = 0.0  # age of the newest event of the last batch
    lag_records: int = 0
    check_share: float = 1.0  # of the events of the last batch; below CHECK_PROBABILITY checks are left out

    def add(self, events: Events, checked: int, found: list[Found], lag: Lag, share: float) -> None:
        """Take note of a batch that was committed."""
        self.stored += len(events.batch)
        self.checked += checked
        self.anomalies += len(found)
        self.dead_letters += len(events.letters)
        self.lag_s, self.lag_records, self.check_share = round(lag.seconds, 3), lag.records, round(share, 4)


class SheddingNotice:
    """Says when checks begin to be left out, and when all are made again."""

    def __init__(self) -> None:
        self._shedding = False

    def look(self, kept: float, lag: Lag) -> None:
        """`kept`: share of the checks that are made, in [0, 1]."""
        if (kept < 1) == self._shedding:
            return
        self._shedding = not self._shedding
        event = "checks are left out" if self._shedding else "every check is made again"
        log.warning(event, lag_s=round(lag.seconds, 1), lag_records=lag.records)
