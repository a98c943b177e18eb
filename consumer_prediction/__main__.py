"""`python -m consumer_prediction` joins the group and scores until it is stopped."""

import sys

from consumer_prediction.run import run
from consumer_prediction.settings import PredictionSettings
from detectors.errors import DetectorError
from kafka_cluster.program import program

main = program(PredictionSettings, run, DetectorError)

if __name__ == "__main__":
    sys.exit(main())
