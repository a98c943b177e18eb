"""`python -m dashboard` serves the page until it is stopped."""

import sys

from dashboard.run import run
from dashboard.settings import DashboardSettings
from kafka_cluster import log
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.errors import one_clear_line


def main() -> int:
    """Read the settings, serve until SIGTERM or SIGINT, end."""
    settings = DashboardSettings.read()
    log.configure(settings.log_format, settings.log_level)
    stop = Stop().on_signals()
    run(settings, SystemClock(stop), stop)
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main)())
