"""An alerts consumer that dies in mid-transaction when told to."""

from __future__ import annotations

import sys

from benchmarks.faults.member import Breaking
from consumer_alerts.run import run
from consumer_alerts.settings import AlertsSettings
from kafka_cluster.program import program

if __name__ == "__main__":
    sys.exit(program(AlertsSettings, lambda settings, clock, stop: run(settings, clock, stop, Breaking))())
