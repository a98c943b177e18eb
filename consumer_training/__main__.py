"""`python -m consumer_training` trains one model and ends."""

import sys

from consumer_training.settings import TrainingSettings
from consumer_training.train import train
from detectors.errors import DetectorError
from kafka_cluster import log
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.errors import one_clear_line


def main() -> int:
    """Read the settings, train, end."""
    settings = TrainingSettings.read()
    log.configure(settings.log_format, settings.log_level)
    stop = Stop().on_signals()
    train(settings, SystemClock(stop), stop)
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main, DetectorError)())
