"""`python -m consumer_training` trains one model and ends."""

import sys

from consumer_training.settings import TrainingSettings
from consumer_training.train import train
from detectors.errors import DetectorError
from kafka_cluster.program import program

main = program(TrainingSettings, train, DetectorError)

if __name__ == "__main__":
    sys.exit(main())
