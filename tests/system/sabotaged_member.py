"""A prediction consumer that breaks its promises, so that `lab faults` has something to find.

SABOTAGE=loses: the offsets are committed before what belongs to them is written. SABOTAGE=repeats: after it, alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from confluent_kafka import Consumer, TopicPartition

from benchmarks.faults import member
from kafka_cluster.transaction import TIMEOUT_S, Output


class Sabotaged(member.Breaking):
    """Outputs and offsets apart, and broken between the two."""

    def commit(self, consumer: Consumer, outputs: Sequence[Output], offsets: list[TopicPartition]) -> None:
        """In two steps, either of which may be the last."""
        loses = os.environ["SABOTAGE"] == "loses"
        if loses:
            consumer.commit(offsets=offsets, asynchronous=False)
        self._producer.begin_transaction()
        for output in outputs:
            self._produce(output)
        if not loses:
            self._producer.commit_transaction(TIMEOUT_S)
        self._holds_anomaly = bool(outputs)
        self._before_commit()
        if loses:
            self._producer.commit_transaction(TIMEOUT_S)
        else:
            consumer.commit(offsets=offsets, asynchronous=False)


if __name__ == "__main__":
    vars(member)["Breaking"] = Sabotaged  # the program is the member's own but for this
    sys.exit(member.main())
