"""Log events with fields: readable lines on a terminal, one JSON object a line for machines."""

from __future__ import annotations

import logging
import sys
from typing import Literal, cast

import structlog

LogFormat = Literal["console", "json"]
Logger = structlog.stdlib.BoundLogger


def configure(log_format: LogFormat = "console", level: str = "INFO") -> None:
    """Send every event of this process to standard error; standard output stays free for results."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        # Asked for at every event, because a test, or a progress bar, may put another file in its place.
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger() -> Logger:
    """A logger whose events carry fields: `log.info("anomaly", key=key, score=score)`."""
    return cast(Logger, structlog.get_logger())
