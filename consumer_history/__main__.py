"""`python -m consumer_history` joins the group, stores and checks events until it is stopped."""

import sys

from consumer_history.run import run
from consumer_history.settings import HistorySettings
from detectors.errors import DetectorError
from kafka_cluster.program import program

main = program(HistorySettings, run, DetectorError)

if __name__ == "__main__":
    sys.exit(main())
