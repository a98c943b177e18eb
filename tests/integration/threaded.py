"""A member of a group in a thread of the test's own process."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from kafka_cluster import heartbeat
from kafka_cluster.clock import Stop
from kafka_cluster.errors import LabError
from kafka_cluster.registry import HttpRegistry

WAIT_S = 60.0
C_co = TypeVar("C_co", covariant=True)


class Works(Protocol[C_co]):
    """What a consumer's worker can do."""

    def run(self) -> object:
        """Until the stop is requested."""

    @property
    def counts(self) -> C_co:
        """What it has committed."""


@dataclass
class Threaded(Generic[C_co]):
    """A worker in a thread, until it is stopped or ends by itself."""

    worker: Works[C_co]
    registry: HttpRegistry
    stop: Stop
    heartbeat_file: Path
    thread: threading.Thread = field(init=False)
    error: BaseException | None = None

    def start(self) -> None:
        def work() -> None:
            try:
                self.worker.run()
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                self.error = error

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    @property
    def counts(self) -> C_co:
        return self.worker.counts

    def beat(self) -> dict[str, Any]:
        """The last heartbeat; empty before the first."""
        try:
            return heartbeat.read(self.heartbeat_file)
        except LabError:
            return {}

    def ended_by(self) -> BaseException:
        """The error that ended it by itself."""
        self._join()
        assert self.error is not None, "ended without an error"
        return self.error

    def end(self) -> C_co:
        """Stop it; it must not have ended by an error before."""
        self.stop.request()
        self._join()
        assert self.error is None, self.error
        return self.counts

    def _join(self) -> None:
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()
        self.registry.close()
