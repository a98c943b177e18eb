"""The threads that follow the topics: each begins again after an error, and says on the page what is wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable

from confluent_kafka import KafkaException

from kafka_cluster.clock import Stop
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger

AGAIN_S = 2.0
JOIN_S = 10.0
log = get_logger()
Life = Callable[[], None]  # from connection to the first error, or to the stop


class Followers:
    """A thread for each life by name. `said` is told what is wrong with one of them."""

    def __init__(self, lives: dict[str, Life], said: Callable[[str, str | None], None], stop: Stop) -> None:
        self._said, self._stop = said, stop
        self._threads = [
            threading.Thread(target=self._again_and_again, args=(name, life), name=f"dashboard-{name}", daemon=True)
            for name, life in lives.items()
        ]

    def start(self) -> None:
        """Start them all."""
        for thread in self._threads:
            thread.start()

    def turn(self) -> bool:
        """True while all of them run."""
        return all(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        """Wait for them, once the stop is requested."""
        for thread in self._threads:
            thread.join(JOIN_S)

    def _again_and_again(self, name: str, life: Life) -> None:
        while not self._stop.requested:
            try:
                life()
            except (KafkaException, LabError) as error:
                log.warning("not followed", what=name, error=str(error), again_s=AGAIN_S)
                self._said(name, _in_words(error))
                self._stop.wait(AGAIN_S)


def _in_words(error: Exception) -> str:
    inner = error.args[0] if isinstance(error, KafkaException) and error.args else error
    return inner.str() if hasattr(inner, "str") else str(inner)
