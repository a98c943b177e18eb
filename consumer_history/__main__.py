"""`python -m consumer_history` joins the group, stores and checks events until it is stopped."""

import sys

from consumer_history.run import run
from consumer_history.settings import HistorySettings
from detectors.errors import DetectorError
from kafka_cluster import log
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.errors import one_clear_line


def main() -> int:
    """Read the settings, work until SIGTERM or SIGINT, end."""
    settings = HistorySettings.read()
    log.configure(settings.log_format, settings.log_level)
    stop = Stop().on_signals()
    run(settings, SystemClock(stop), stop)
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main, DetectorError)())
