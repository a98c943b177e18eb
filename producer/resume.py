"""Going on after an earlier run: what the topic holds already, by key."""

from __future__ import annotations

from kafka_cluster.log import get_logger
from kafka_cluster.read_topic import read_topic
from kafka_cluster.schemas import TIMESTAMP
from kafka_cluster.settings import KafkaSettings

log = get_logger()


def last_instants(settings: KafkaSettings) -> dict[str, int]:
    """The latest event time of each key on the metrics topic, in ms. Reads the whole topic.

    The records of a key are sent in the order of time to one partition, by an idempotent producer, so that whatever
    is earlier than its latest one is there too.
    """
    latest: dict[str, int] = {}
    for record in read_topic(settings, settings.metrics_topic):
        if record.key is not None and record.value is not None and TIMESTAMP in record.value:
            latest[record.key] = max(latest.get(record.key, record.value[TIMESTAMP]), record.value[TIMESTAMP])
    if latest:
        log.info("going on after an earlier run", keys=len(latest))
    return latest
