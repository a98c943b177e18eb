"""The errors that a person reads. Anything else that escapes is a bug and keeps its traceback."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from kafka_cluster import log

EXIT_FAILURE = 1
EXIT_USAGE = 2


class LabError(Exception):
    """Something a user can put right: names the thing, the reason and the way out, on one line."""

    exit_status = EXIT_FAILURE

    def __init__(self, thing: str, reason: str, way_out: str = "") -> None:
        self.thing, self.reason, self.way_out = thing, reason, way_out
        super().__init__(f"{thing}: {reason}" + (f"; {way_out}" if way_out else ""))


class SettingsError(LabError):
    """A setting that cannot be used."""

    exit_status = EXIT_USAGE


class StoppedError(Exception):
    """Asked to stop while waiting for something that is not there yet: a clean end."""


def one_clear_line(main: Callable[[], int], *also: type[Exception]) -> Callable[[], int]:
    """Wrap a program's `main`: a LabError (and any of `also`) becomes one line on standard error and an exit status.

    With LOG_FORMAT=json the line is an event. A StoppedError is a good end.
    """
    caught: tuple[type[Exception], ...] = (LabError, *also)

    @wraps(main)
    def guarded() -> int:
        try:
            return main()
        except StoppedError:
            return 0
        except caught as error:
            log.closing(error)
            return int(getattr(error, "exit_status", EXIT_FAILURE))

    return guarded
