"""A consumer that reads and drops: the speed that the client library allows, with the prediction consumer's settings.

`python -m benchmarks.raw_consumer` writes the same heartbeat as a prediction consumer.
"""

from __future__ import annotations

import sys

from confluent_kafka import TopicPartition

from consumer_prediction.settings import PredictionSettings
from kafka_cluster import clients
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.errors import one_clear_line
from kafka_cluster.garbage import collected_between_batches
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.member import member_config


def main() -> int:
    """Join the group, read, touch every value as the worker must, drop it, until SIGTERM."""
    settings = PredictionSettings.read()
    stop = Stop().on_signals()
    clock = SystemClock(stop)
    heartbeat = Heartbeat(settings.heartbeat_file, clock, settings.heartbeat_every_s, id=settings.consumer_id)
    consumer = clients.consumer(settings, settings.prediction_group, **member_config(settings))
    held: set[int] = set()

    def on_assign(_consumer: object, partitions: list[TopicPartition]) -> None:
        held.update(partition.partition for partition in partitions)

    def on_revoke(_consumer: object, partitions: list[TopicPartition]) -> None:
        held.difference_update(partition.partition for partition in partitions)

    consumer.subscribe([settings.metrics_topic], on_assign=on_assign, on_revoke=on_revoke)
    read = 0
    with collected_between_batches(clock):
        while not stop.requested:
            messages = consumer.consume(settings.prediction_batch, settings.prediction_poll_s)
            read += len([message.value() for message in messages])
            heartbeat.beat("reading", partitions=sorted(held), scored=read)
    consumer.close()
    heartbeat.beat("stopped", partitions=[], scored=read)
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main)())
