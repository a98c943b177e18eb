"""Log events with fields: readable lines on a terminal, one JSON object a line for machines."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any, Literal, cast, get_args

import structlog

from kafka_cluster.hidden import hide

LogFormat = Literal["console", "json"]
Logger = structlog.stdlib.BoundLogger
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
CALM = ("numba", "matplotlib", "PIL")  # their DEBUG is every instruction compiled, every font looked at


class _Chosen:
    """The format of this process; before `configure`, what the environment asks for."""

    log_format: LogFormat | None = None


def configure(log_format: LogFormat | None = None, level: str | None = None) -> None:
    """Send every event of this process, and what libraries say, to standard error; standard output is for results.

    What is not given comes from LOG_FORMAT and LOG_LEVEL, where they are usable. In JSON also warnings, unhandled
    errors and those of threads are events.
    """
    _Chosen.log_format = log_format or _format_of_environment()
    level = level or _of_environment("LOG_LEVEL", LEVELS, "INFO")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _renderer(_Chosen.log_format),
            _without_secrets,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        # Asked for at every event, because a test, or a progress bar, may put another file in its place.
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _listen_to_libraries(level)
    if _Chosen.log_format == "json":
        _listen_to_python()


def get_logger() -> Logger:
    """A logger whose events carry fields: `log.info("anomaly", key=key, score=score)`."""
    return cast(Logger, structlog.get_logger())


def closing(error: Exception) -> None:
    """The last word of a program on an error that a person can put right: one line, in JSON an event."""
    if (_Chosen.log_format or _format_of_environment()) == "console":
        sys.stderr.write(hide(f"error: {error}") + "\n")
        return
    if _Chosen.log_format is None:
        configure()
    parts = {name: getattr(error, name) for name in ("thing", "reason", "way_out") if hasattr(error, name)}
    get_logger().error("ended by an error", error=str(error), **parts)


class LibraryHandler(logging.Handler):
    """What libraries say by the standard library's logging, as events."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it. A record whose parts do not fit together is said as it is."""
        try:
            said = record.getMessage()
        except (TypeError, ValueError):
            said = f"{record.msg} {record.args}"
        trace = {"exc_info": record.exc_info} if record.exc_info and record.exc_info[0] else {}
        standard = 10 * max(1, min(5, record.levelno // 10))  # libraries have levels of their own in between
        get_logger().log(standard, "library", name=record.name, said=said.rstrip(), **trace)


def _listen_to_libraries(level: str) -> None:
    """From WARNING on, unless fewer or more are asked for: at INFO some tell of every request."""
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, LibraryHandler)]:
        root.removeHandler(old)
    root.addHandler(LibraryHandler())
    root.setLevel("WARNING" if level == "INFO" else level)
    for name in CALM:
        logging.getLogger(name).setLevel("ERROR" if level == "ERROR" else "WARNING")
    logging.captureWarnings(capture=True)


def _listen_to_python() -> None:
    """In place of tracebacks on standard error. Not for the console: there they are what a person expects."""
    import threading  # noqa: PLC0415 - not needed otherwise

    log = get_logger()

    def in_thread(what: threading.ExceptHookArgs) -> None:
        if what.exc_type is not SystemExit:
            name = what.thread.name if what.thread else ""
            log.error("unhandled error", thread=name, exc_info=what.exc_value)

    sys.excepthook = lambda _kind, error, _trace: log.error("unhandled error", exc_info=error)
    threading.excepthook = in_thread
    sys.unraisablehook = lambda what: log.error(
        "unhandled error", where=f"{what.err_msg or 'ignored in'} {what.object!r}", exc_info=what.exc_value
    )


def _renderer(log_format: LogFormat) -> structlog.typing.Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(_strict_json)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)


def _strict_json(event: Any, **options: Any) -> str:
    """JSON has no NaN and no infinity: an event with one is written with their names."""
    try:
        return json.dumps(event, allow_nan=False, **options)
    except ValueError:
        written = json.dumps(event, **options)
        return json.dumps(json.loads(written, parse_constant=str))


def _without_secrets(_logger: Any, _method: str, line: Any) -> str:  # the line is what the renderer made
    return hide(line)


def _format_of_environment() -> LogFormat:
    return cast(LogFormat, _of_environment("LOG_FORMAT", get_args(LogFormat), "console"))


def _of_environment(variable: str, usable: tuple[str, ...], otherwise: str) -> str:
    given = os.environ.get(variable, "")
    return given if given in usable else otherwise
