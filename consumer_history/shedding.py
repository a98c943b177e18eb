"""Load shedding: how large a share of the events is checked, from how far the consumer is behind."""

from __future__ import annotations

from dataclasses import dataclass

from consumer_history.settings import HistorySettings

NOTHING_AT = 10.0  # times the lag from which on less is checked


@dataclass(frozen=True)
class Lag:
    """How far behind."""

    seconds: float  # age of the newest record taken
    records: int  # in the partitions held, after the last one taken


class Shedding:
    """The share depends on the lag of the moment alone, so that it recovers as the lag does."""

    def __init__(self, settings: HistorySettings) -> None:
        self._probability = settings.check_probability
        self._from_s, self._from_records = settings.shed_from_s, settings.shed_from_records

    def kept(self, lag: Lag) -> float:
        """In [0, 1]: 1 up to the lag that is set, falling in a straight line to 0 at NOTHING_AT times that."""
        return min(_kept(lag.seconds, self._from_s), _kept(lag.records, self._from_records))

    def share(self, lag: Lag) -> float:
        """Share of the events to check now."""
        return self._probability * self.kept(lag)


def _kept(lag: float, begin: float | None) -> float:
    if begin is None or lag <= begin:
        return 1.0
    return max(0.0, 1.0 - (lag / begin - 1.0) / (NOTHING_AT - 1.0))
