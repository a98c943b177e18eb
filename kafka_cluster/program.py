"""What every program does around its work: settings, log, signals, one clear line for what a person can put right."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kafka_cluster import log
from kafka_cluster.clock import Clock, Stop, SystemClock
from kafka_cluster.errors import one_clear_line
from kafka_cluster.settings import Settings

S = TypeVar("S", bound=Settings)


def program(
    settings: type[S], run: Callable[[S, Clock, Stop], object], *errors: type[Exception], stops: bool = True
) -> Callable[[], int]:
    """A `main`: reads the settings, runs until its end, SIGTERM or SIGINT, and returns the exit status.

    A LabError, and any of `errors`, becomes one line on standard error. A one-shot that never looks at its stop
    (`stops` false) is ended by the signal itself.
    """

    def main() -> int:
        read = settings.read()
        log.configure(read.log_format, read.log_level)
        stop = Stop().on_signals() if stops else Stop()
        run(read, SystemClock(stop), stop)
        return 0

    return one_clear_line(main, *errors)
