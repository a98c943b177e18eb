"""`python -m consumer_traffic` joins the group and watches connections until it is stopped."""

import sys

from consumer_traffic.run import run
from consumer_traffic.settings import TrafficSettings
from detectors.errors import DetectorError
from kafka_cluster.program import program

main = program(TrafficSettings, run, DetectorError)

if __name__ == "__main__":
    sys.exit(main())
