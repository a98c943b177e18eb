"""alerts.yaml, read again when it changes."""

from __future__ import annotations

from pathlib import Path

from consumer_alerts import rules_file
from consumer_alerts.courier import Dispatch
from consumer_alerts.rules import Rules
from detectors import config_file
from detectors.config_file import ConfigError
from kafka_cluster.clock import Clock
from kafka_cluster.log import get_logger

LOOK_EVERY_S = 1.0
log = get_logger()


class RulesWatch:
    """The rules in force. Those that a file says may be replaced between two batches, never by ones that cannot be."""

    def __init__(self, path: Path | None, dispatch: Dispatch, clock: Clock) -> None:
        """Raises ConfigError: at the start there is nothing to go on with."""
        self._path, self._dispatch, self._clock = path, dispatch, clock
        self._stamps = self._stamp()
        self._next_look = clock.monotonic() + LOOK_EVERY_S
        self.rules = self._take()

    def look(self) -> Rules:
        """The rules; takes up a changed file, at most once in LOOK_EVERY_S."""
        if self._path is None or self._clock.monotonic() < self._next_look:
            return self.rules
        self._next_look = self._clock.monotonic() + LOOK_EVERY_S
        if (stamps := self._stamp()) == self._stamps:
            return self.rules
        self._stamps = stamps
        try:
            self.rules = self._take()
        except ConfigError as error:
            log.error("alerts file not usable: what was before goes on", error=str(error))
        return self.rules

    def _take(self) -> Rules:
        rules = Rules() if self._path is None else rules_file.read(self._path)
        self._dispatch.use(rules.channels)
        channels = {name: config.type for name, config in rules.channels.items()}
        log.info("alerts", channels=channels, rules=len(rules.rules), maintenance=len(rules.windows))
        return rules

    def _stamp(self) -> object:
        return config_file.stamps([] if self._path is None else [self._path])
