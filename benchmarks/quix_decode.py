"""Quix Streams reading and decoding, and nothing else: records a second as JSON on the last line.

It runs as a file in an environment of its own, because that library's pins are not ours: it imports nothing of the lab.
`python quix_decode.py BOOTSTRAP_SERVERS REGISTRY_URL TOPIC RECORDS SECONDS`; it stops at whichever limit comes first.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import uuid
from typing import Any

from quixstreams import Application
from quixstreams.models.serializers.avro import AvroDeserializer
from quixstreams.models.serializers.schema_registry import SchemaRegistryClientConfig

logging.getLogger().setLevel(logging.ERROR)


def main(servers: str, registry: str, topic: str, records: int, seconds: float) -> dict[str, Any]:
    """Count what comes through the data frame; the clock runs from the first record to the last."""
    app = Application(servers, consumer_group=f"quix-{uuid.uuid4()}", auto_offset_reset="earliest",
                      auto_create_topics=False, loglevel="ERROR")  # fmt: skip
    decode = AvroDeserializer(schema_registry_client_config=SchemaRegistryClientConfig(url=registry))
    seen, first, last = 0, 0.0, 0.0

    def count(_record: dict[str, Any]) -> None:
        nonlocal seen, first, last
        last = time.perf_counter()
        if seen == 0:
            first = last
        seen += 1
        if seen >= records or last - first > seconds:
            app.stop()

    app.dataframe(app.topic(topic, value_deserializer=decode)).update(count)
    app.run(timeout=seconds, collect=False)  # of waiting for a record
    return {"records": seen, "per_s": (seen - 1) / (last - first) if last > first else None}


if __name__ == "__main__":
    result = main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    print(json.dumps(result))  # noqa: T201 - it prints its result
