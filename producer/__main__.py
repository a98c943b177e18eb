"""`python -m producer` replays the data set once, or for as long as REPLAY_LOOP says."""

import sys

from kafka_cluster import log
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.errors import one_clear_line
from producer.run import run
from producer.settings import ReplaySettings


def main() -> int:
    """Read the settings, replay, end."""
    settings = ReplaySettings.read()
    log.configure(settings.log_format, settings.log_level)
    stop = Stop().on_signals()
    run(settings, SystemClock(stop), stop)
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main)())
