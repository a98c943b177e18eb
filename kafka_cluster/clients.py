"""Kafka clients: the one place that turns settings into librdkafka configurations."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from kafka_cluster.client_log import ClientLog
from kafka_cluster.clock import Clock
from kafka_cluster.errors import LabError, StoppedError
from kafka_cluster.settings import KafkaSettings

POLL_S = 1.0


def admin_client(settings: KafkaSettings) -> AdminClient:
    """A client for topics and groups. What it has to say comes out when it is polled."""
    return AdminClient({**settings.librdkafka(), **ClientLog().config()})


def producer(settings: KafkaSettings, **config: Any) -> Producer:
    """An idempotent producer with lz4 and short batches in time; `config` is librdkafka's, and wins.

    The partitioner is the Java client's, so that producers in any language put a key on the same partition.
    """
    return Producer(
        {
            **settings.librdkafka(),
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 10,
            "partitioner": "murmur2_random",
            **ClientLog().config(),
            **config,
        }
    )


def consumer(settings: KafkaSettings, group_id: str, **config: Any) -> Consumer:
    """A read-committed consumer that never commits by itself; `config` is librdkafka's, and wins."""
    return Consumer(
        {
            **settings.librdkafka(),
            "group.id": group_id,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            **ClientLog().config(),
            **config,
        }
    )


def wait_for_broker(settings: KafkaSettings, clock: Clock) -> AdminClient:
    """An admin client of a broker that answers. Raises LabError after `startup_timeout_s`, StoppedError at a stop."""
    admin = admin_client(settings)
    deadline = clock.monotonic() + settings.startup_timeout_s
    while True:
        try:
            admin.list_topics(timeout=POLL_S)
        except KafkaException as error:
            admin.poll(0)
            if clock.stopping:
                raise StoppedError from None
            if clock.monotonic() > deadline:
                thing = f"broker {settings.kafka_bootstrap_servers}"
                reason = f"no answer in {settings.startup_timeout_s:.0f} s ({error.args[0].str()})"
                raise LabError(thing, reason, "start it with `lab up`, or set KAFKA_BOOTSTRAP_SERVERS") from None
            clock.sleep(POLL_S)
        else:
            return admin
