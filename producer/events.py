"""`python -m producer.events` sends generated events until EVENT_SECONDS, EVENT_RECORDS or a signal ends it."""

import sys

from kafka_cluster import log
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.errors import one_clear_line
from producer.event_run import run
from producer.event_settings import EventSettings


def main() -> int:
    """Read the settings, send, end."""
    settings = EventSettings.read()
    log.configure(settings.log_format, settings.log_level)
    stop = Stop().on_signals()
    run(settings, SystemClock(stop), stop)
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main)())
