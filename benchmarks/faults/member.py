"""A prediction consumer that breaks in mid-transaction when told to: everything is written, nothing is decided.

`python -m benchmarks.faults.member` is `python -m consumer_prediction`, with one difference: when the file
FAULT_TRIGGER appears, the next transaction that holds an anomaly ends in the signal that it names, sent to itself.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from consumer_prediction.run import run
from consumer_prediction.settings import PredictionSettings
from detectors.errors import DetectorError
from kafka_cluster.program import program
from kafka_cluster.transaction import TIMEOUT_S, Output, Transactions

TRIGGER = "FAULT_TRIGGER"


class Breaking(Transactions):
    """Transactions that break where it hurts most."""

    _holds_anomaly = False

    def commit(self, consumer: Consumer, outputs: Sequence[Output], offsets: list[TopicPartition]) -> None:
        """As ever, up to the commit."""
        self._holds_anomaly = bool(outputs)
        super().commit(consumer, outputs, offsets)

    def _before_commit(self) -> None:
        trigger = Path(os.environ[TRIGGER])
        if self._holds_anomaly and trigger.exists():
            name = trigger.read_text()
            trigger.unlink()
            self._producer.flush(TIMEOUT_S)  # so that the undecided records are in the topic
            os.kill(os.getpid(), signal.Signals[name])


main = program(PredictionSettings, lambda settings, clock, stop: run(settings, clock, stop, Breaking), DetectorError)

if __name__ == "__main__":
    sys.exit(main())
