"""`python -m producer.events` sends generated events until EVENT_SECONDS, EVENT_RECORDS or a signal ends it."""

import sys

from kafka_cluster.program import program
from producer.event_run import run
from producer.event_settings import EventSettings

main = program(EventSettings, run)

if __name__ == "__main__":
    sys.exit(main())
