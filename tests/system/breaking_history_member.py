"""`python -m tests.system.breaking_history_member`: a history consumer that dies in mid-transaction when told to."""

from __future__ import annotations

import sys

from benchmarks.faults.member import Breaking
from consumer_history.run import run
from consumer_history.settings import HistorySettings
from kafka_cluster import log
from kafka_cluster.clock import Stop, SystemClock

if __name__ == "__main__":
    settings = HistorySettings.read()
    log.configure(settings.log_format, settings.log_level)
    stop = Stop().on_signals()
    run(settings, SystemClock(stop), stop, Breaking)
    sys.exit(0)
