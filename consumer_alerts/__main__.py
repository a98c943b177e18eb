"""`python -m consumer_alerts` joins the group and tells people of incidents until it is stopped."""

import sys

from consumer_alerts.run import run
from consumer_alerts.settings import AlertsSettings
from detectors.errors import DetectorError
from kafka_cluster.program import program

main = program(AlertsSettings, run, DetectorError)

if __name__ == "__main__":
    sys.exit(main())
